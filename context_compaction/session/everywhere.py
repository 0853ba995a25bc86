"""`Everywhere`: the part of `Sessions` that looks things up in all of them."""

from __future__ import annotations

from typing import Any

from context_compaction.archive import Archive
from context_compaction.counting import TokenCounter
from context_compaction.messages import MessageList
from context_compaction.recall import (
    PAGE_TOKENS,
    Bound,
    Bounds,
    Embedding,
    HitList,
    Page,
    SearchHit,
    recall_over,
    recall_page_over,
)
from context_compaction.session.references import expand
from context_compaction.session.said import in_thread
from context_compaction.session.scope import located


class Everywhere:
    """Searches the sessions of a namespace, each on the branch that it is on, open or not.

    Hits say whose they are; their references (``m:57@session``) are for `expand`. Nothing comes from another
    namespace, and no score depends on one.
    """

    __slots__ = ()

    archive: Archive
    namespace: str
    counter: TokenCounter | None
    embedder: Any

    def recall(
        self, query: str, k: int = 8, *, after: Bound | None = None, before: Bound | None = None
    ) -> HitList:
        """The best ``k`` hits, best first. ``after`` and ``before`` are times. Raises `QueryError`."""
        return recall_over(
            self.archive,
            self.namespace,
            query,
            k,
            bounds=Bounds.of(after, before),
            embedding=None if self.embedder is None else Embedding.of(self.embedder),
        )

    async def arecall(
        self, query: str, k: int = 8, *, after: Bound | None = None, before: Bound | None = None
    ) -> HitList:
        """`recall` in a worker thread."""
        return await in_thread(self.recall, query, k, after=after, before=before)

    def recall_page(
        self,
        query: str,
        *,
        after: Bound | None = None,
        before: Bound | None = None,
        max_tokens: int = PAGE_TOKENS,
        cursor: str | None = None,
    ) -> Page[SearchHit]:
        """The same in pages, as `Session.recall_page` gives them. Raises `QueryError`."""
        return recall_page_over(
            self.archive,
            self.namespace,
            query,
            TokenCounter.of(self.counter),
            bounds=Bounds.of(after, before),
            max_tokens=max_tokens,
            cursor=cursor,
        )

    def expand(self, ref: str) -> MessageList:
        """The originals behind ``m:57@session``, as `Session.expand` gives them.

        Raises `UnknownReference`.
        """
        branch, local = located(self.archive, self.namespace, ref)
        return expand(self.archive, branch, local, self.archive.tip(branch).last_seq)
