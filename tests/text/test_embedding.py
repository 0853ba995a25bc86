"""What is accepted as ``embedder=``, and what its vectors are known by."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings
from llama_index.core import MockEmbedding

from context_compaction import Embedder
from context_compaction.testing.embedders import HashedEmbedder


def lengths(texts: list[str]) -> list[list[float]]:
    return [[float(len(text)), 1.0] for text in texts]


class Named(Embeddings):
    """A LangChain embedder as most are."""

    def __init__(self, **attributes: str):
        for name, value in attributes.items():
            setattr(self, name, value)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return lengths(texts)

    def embed_query(self, text: str) -> list[float]:
        return [0.0, float(len(text))]


def test_langchain():
    embedder = Embedder.of(Named(model_name="all-MiniLM-L6-v2"))
    assert embedder.embed(["a", "bc"]) == [[1.0, 1.0], [2.0, 1.0]]
    assert embedder.embed_query("abc") == [0.0, 3.0], "questions are embedded by their own method"
    assert embedder.name == "all-MiniLM-L6-v2"
    assert Embedder.of(Named(model="text-embedding-3-small")).name == "text-embedding-3-small"
    fake = DeterministicFakeEmbedding(size=5)
    assert Embedder.of(fake).name.endswith("DeterministicFakeEmbedding"), "its class, where it has no name"
    assert Embedder.of(fake).embed(("x",)) == [fake.embed_query("x")]


def test_llamaindex():
    embedder = Embedder.of(MockEmbedding(embed_dim=3, model_name="mock-3"))
    assert embedder.name == "mock-3"
    assert [list(vector) for vector in embedder.embed(["a", "b"])] == [[0.5] * 3] * 2
    assert list(embedder.embed_query("a")) == [0.5] * 3
    assert Embedder.of(MockEmbedding(embed_dim=3)).name.endswith("MockEmbedding")


def test_functions_and_objects():
    embedder = Embedder.of(lengths)
    assert (embedder.name, embedder.embed_query("abc")) == (f"{__name__}.lengths", [3.0, 1.0])
    hashed = HashedEmbedder(8)
    assert Embedder.of(hashed).name == "hashed"
    assert Embedder.of(hashed).embed_query("x") == hashed.vector("x")
    assert hashed.asked == ["x"]
    assert Embedder.of(embedder) is embedder
    assert Embedder.of(embedder, name="other").name == "other"


@pytest.mark.parametrize("nameless", [lambda texts: lengths(texts), partial(lengths)])  # noqa: PLW0108  it is the point
def test_what_has_no_name_must_be_given_one(nameless: object):
    """Two of them would be taken for one."""
    with pytest.raises(ValueError, match=r"Embedder\.of"):
        Embedder.of(nameless)
    assert Embedder.of(nameless, name="mine").embed_query("ab") == [2.0, 1.0]
    with pytest.raises(ValueError, match="name"):
        Embedder(lengths, name="")


@pytest.mark.parametrize("nonsense", [3, "all-MiniLM-L6-v2", HashedEmbedder, None])
def test_what_is_no_embedder(nonsense: object):
    with pytest.raises(TypeError, match="embedder must be"):
        Embedder.of(nonsense)


def test_a_wrapper_of_a_wrapper_keeps_the_question_apart():
    class Own:
        def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
            return [(1.0,) for _ in texts]

        def embed_query(self, text: str) -> Sequence[float]:
            return (2.0,)

    assert Embedder.of(Embedder.of(Own()), name="x").embed_query("q") == (2.0,)
