"""`Embedder`: whatever turns texts into vectors, on this machine or not, is the user's choice."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias, cast

Vectors = Sequence[Sequence[float]]


class Embeds(Protocol):
    """An object of one's own that embeds; it may have a ``name``, and an ``embed_query`` beside."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One vector a text, in order."""
        ...


class LangChainEmbeddings(Protocol):
    """What LangChain calls ``Embeddings``."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """One vector a text, in order."""
        ...

    def embed_query(self, text: str) -> list[float]:
        """The vector of a question."""
        ...


class LlamaIndexEmbedding(Protocol):
    """What LlamaIndex calls ``BaseEmbedding``."""

    def get_text_embedding_batch(self, texts: list[str]) -> list[list[float]]:
        """One vector a text, in order."""
        ...

    def get_query_embedding(self, query: str) -> list[float]:
        """The vector of a question."""
        ...


EmbedderLike: TypeAlias = (
    "Embedder | Embeds | LangChainEmbeddings | LlamaIndexEmbedding | Callable[[list[str]], Vectors]"
)
"""What is accepted as ``embedder=``."""

_NAMES = ("model_name", "model", "model_id", "deployment", "name")
"""Where frameworks keep the name of a model."""
_NO_NAMES = ("", "unknown", "<lambda>")


class Embedder:
    """An embedder with a name. Vectors of one name are compared with one another, and with no others'."""

    def __init__(
        self,
        embed: Callable[[list[str]], Vectors],
        embed_query: Callable[[str], Sequence[float]] | None = None,
        *,
        name: str,
    ) -> None:
        if not name:
            raise ValueError("an embedder's name says which vectors are its own; give the model's")
        self._embed = embed
        self._embed_query = embed_query
        self.name = name
        """The model's, or what else tells it from others."""

    @staticmethod
    def of(embedder: Any, name: str | None = None) -> Embedder:
        """Whatever was passed as ``embedder=``; the ``name`` is found out if it is not given.

        LangChain ``Embeddings``, a LlamaIndex ``BaseEmbedding``, a function from a list of texts to a list
        of vectors, an object with such a method ``embed``, an `Embedder` as it is. Raises `TypeError` for
        anything else, `ValueError` where no name can be found.
        """
        if isinstance(embedder, Embedder):
            return embedder if name is None else Embedder(embedder.embed, embedder.embed_query, name=name)
        if isinstance(embedder, type):
            raise _no_embedder(embedder)
        for many, one in (
            ("embed_documents", "embed_query"),
            ("get_text_embedding_batch", "get_query_embedding"),
            ("embed", "embed_query"),
        ):
            if callable(embed := getattr(embedder, many, None)):
                return Embedder(
                    cast("Any", embed), getattr(embedder, one, None), name=name or _name_of(embedder)
                )
        if callable(embedder):
            return Embedder(cast("Any", embedder), name=name or _name_of(embedder))
        raise _no_embedder(embedder)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One vector a text, in order, as the model gives them: nothing is checked here."""
        return self._embed(list(texts))

    def embed_query(self, text: str) -> Sequence[float]:
        """The vector of a question, which some models treat otherwise."""
        return self._embed([text])[0] if self._embed_query is None else self._embed_query(text)

    def __repr__(self) -> str:
        return f"Embedder(name={self.name!r})"


def cosine(left: Sequence[float], right: Sequence[float]) -> float:
    """How near two vectors point, -1 to 1; 0 when one of them is zero."""
    product = sum(a * b for a, b in zip(left, right, strict=True))
    length = math.sqrt(sum(a * a for a in left) * sum(b * b for b in right))
    return product / length if length else 0.0


def _no_embedder(it: object) -> TypeError:
    return TypeError(
        "embedder must be a LangChain Embeddings, a LlamaIndex BaseEmbedding or a function from texts to "
        f"vectors, not {it!r}"
    )


def _name_of(embedder: Any) -> str:
    for attribute in _NAMES:
        found = getattr(embedder, attribute, None)
        if isinstance(found, str) and found not in _NO_NAMES:
            return found
    named = cast("Any", embedder if hasattr(embedder, "__qualname__") else type(embedder))
    if named.__qualname__.endswith("<lambda>") or (named is not embedder and named.__module__ == "functools"):
        raise ValueError(
            f"{embedder!r} has no name to know its vectors by; use Embedder.of(function, name='model id')"
        )
    return f"{named.__module__}.{named.__qualname__}"
