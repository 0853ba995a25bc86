"""Sessions that are searched by meaning, and what they are asked."""

from __future__ import annotations

from context_compaction import Embedder
from context_compaction.archive import Archive
from context_compaction.recall import Embedding, SearchHit
from context_compaction.testing.archive_rows import Writer

TEXTS = (
    "The gardener watered tomatoes",
    "Nobody knows the colour of it",
    "Tomorrow it rains",
    "We watched gardening shows",
    "Unrelated entirely",
)


def embedded(
    archive: Archive, embedding: Embedding, *texts: str, session: str = "s", namespace: str = "default"
):
    writer = Writer.of(archive, session, namespace)
    writer.say(*texts)
    embedding.notice(archive, writer.branch)
    assert embedding.wait(archive, writer.branch, 30)
    return writer


def by(embedder: object) -> Embedding:
    return Embedding(Embedder.of(embedder))


def refs(hits: list[SearchHit]) -> list[str]:
    return [hit.ref for hit in hits]
