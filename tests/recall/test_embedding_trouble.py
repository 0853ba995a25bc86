"""An embedder that fails, hangs or lies leaves recall to words, and holds nobody up."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

import pytest

from context_compaction import Embedder, EmbedderError
from context_compaction.archive import open_archive
from context_compaction.recall import Embedding, guarded, recall
from context_compaction.testing.embedders import HangingEmbedder, HashedEmbedder, SpoiltEmbedder
from tests.recall.near import TEXTS, by, embedded, refs


def failing(vectors: object) -> object:
    raise RuntimeError("no network")


def exiting(vectors: object) -> object:
    raise SystemExit(3)


SPOILS: dict[str, tuple[Callable[..., object], str]] = {
    "raises": (failing, "RuntimeError: no network"),
    "exits": (exiting, "SystemExit"),
    "another length": (lambda vectors: [vector[1:] for vector in vectors], "255 numbers where it had 256"),
    "not a number": (lambda vectors: [[math.nan, *vector[1:]] for vector in vectors], "not finite"),
    "infinite": (lambda vectors: [[math.inf, *vector[1:]] for vector in vectors], "not finite"),
    "one too many": (lambda vectors: [*vectors, vectors[0]], "vectors for"),
    "none": (lambda vectors: None, "NoneType"),
    "words": (lambda vectors: [["a"] for _ in vectors], "no list of vectors"),
    "empty": (lambda vectors: [[] for _ in vectors], "0 numbers"),
}


@pytest.mark.parametrize("spoil", [spoil for name, (spoil, _) in SPOILS.items()], ids=list(SPOILS))
def test_an_embedder_that_fails_leaves_recall_to_words(
    spoil: Callable[..., object], request: pytest.FixtureRequest
):
    """As without one, with a note that says why; when it is well again, what is missing is made."""
    said = SPOILS[request.node.callspec.id][1]
    embedder = SpoiltEmbedder(spoil)
    embedder.spoilt = False
    with open_archive() as archive:
        embedding = by(embedder)
        writer = embedded(archive, embedding, *TEXTS[:2])
        embedder.spoilt = True
        writer.say(*TEXTS[2:])
        embedding.notice(archive, writer.branch)
        assert embedding.wait(archive, writer.branch, 30)
        assert said in embedding.trouble
        assert embedding.missing(archive, writer.branch) == 3
        if said != "vectors for":  # of a question only the first is taken
            assert recall(archive, writer.branch, "tomorrow", embedding=embedding) == recall(
                archive, writer.branch, "tomorrow"
            )
        embedder.spoilt = False
        embedding.notice(archive, writer.branch)
        assert embedding.wait(archive, writer.branch, 30)
        assert (embedding.trouble, embedding.missing(archive, writer.branch)) == ("", 0)
        assert recall(archive, writer.branch, "tomorrow", embedding=embedding)[0].similarity is not None


def test_one_text_that_cannot_be_embedded_holds_up_no_other():
    class Picky(HashedEmbedder):
        def embed(self, texts):
            if any("colour" in text for text in texts):
                raise ValueError("not this one")
            return super().embed(texts)

    with open_archive() as archive:
        embedding = by(Picky())
        writer = embedded(archive, embedding, *TEXTS)
        assert embedding.missing(archive, writer.branch) == 0
        assert refs(recall(archive, writer.branch, "tomorrows", 1, embedding=embedding)) == ["m:3"]
        assert "m:2" not in refs(recall(archive, writer.branch, "colourful", embedding=embedding))


def test_a_question_waits_so_long_and_then_goes_by_words(monkeypatch: pytest.MonkeyPatch):
    """The call is abandoned, and the embedder not asked again until it has ended and cooled down."""
    monkeypatch.setattr(guarded, "QUERY_SECONDS", 0.05)
    embedder, now = HangingEmbedder(), [1000.0]
    embedder.hangs = False
    with open_archive() as archive:
        embedding = Embedding(Embedder.of(embedder), clock=lambda: now[0])
        writer = embedded(archive, embedding, *TEXTS)
        words = recall(archive, writer.branch, "tomorrow")
        embedder.hangs = True

        def asks(question: str = "tomorrow") -> str:
            hits = recall(archive, writer.branch, question, embedding=embedding)
            assert hits == words or not embedding.trouble
            return embedding.trouble

        assert "did not answer within 0.05 s" in asks()
        assert "busy with an abandoned call" in asks()
        embedder.hangs = False
        embedder.release.set()
        _until(lambda: "left alone for 60 s" in asks())
        now[0] += 61
        assert asks() == ""
        assert recall(archive, writer.branch, "tomorrow", embedding=embedding)[0].similarity is not None


def test_a_question_goes_before_what_waits_to_be_embedded():
    """One batch at most stands before it."""
    order: list[str] = []
    gate, entered = threading.Event(), threading.Event()

    class Slow(HashedEmbedder):
        def embed(self, texts):
            order.append("batch")
            entered.set()
            gate.wait(30)
            return super().embed(texts)

        def embed_query(self, text):
            order.append("question")
            return super().embed_query(text)

    guard = guarded.GuardedEmbedder(Embedder.of(Slow()))
    threads = [threading.Thread(target=guard.embed, args=(["a"],)) for _ in range(2)]
    threads[0].start()
    assert entered.wait(30)
    asking = threading.Thread(target=guard.embed_query, args=("q", 30.0))
    asking.start()
    _until(lambda: guard._asking == 1)
    threads[1].start()
    gate.set()
    for thread in (*threads, asking):
        thread.join(30)
    assert order == ["batch", "question", "batch"]


def test_a_batch_that_hangs_makes_questions_wait_once():
    """For a call that is as old as their patience they do not wait at all."""
    embedder, now = HangingEmbedder(), [0.0]
    guard = guarded.GuardedEmbedder(Embedder.of(embedder), lambda: now[0])
    batch = threading.Thread(target=guard.embed, args=(["a"],))
    batch.start()
    assert embedder.entered.wait(30)
    now[0] = 100.0
    with pytest.raises(EmbedderError, match="busy with an earlier call"):
        guard.embed_query("q", 99.0)
    embedder.release.set()
    batch.join(30)


def _until(done: Callable[[], bool]) -> None:
    waiting = threading.Event()
    for _ in range(3000):
        if done():
            return
        waiting.wait(0.01)
    pytest.fail("it did not come about")
