"""Looking things up: a page at a time, line by line, and the whole at a glance."""

from __future__ import annotations

from context_compaction.recall import (
    PAGE_TOKENS,
    Bound,
    Bounds,
    Description,
    Grep,
    GrepHit,
    Page,
    SearchHit,
    describe,
    recall_page,
    recall_page_over,
)
from context_compaction.session.passages import Passage, passages
from context_compaction.session.said import Said, in_thread
from context_compaction.session.scope import Scope, crosses


class Looking(Said):
    """The part of a `Session` that answers in pages.

    A page holds as much as fits ``max_tokens``, by the session's counter, and one item at least; its ``next``
    is the ``cursor`` of the page after it. All pages together have each result once, as the log stood at the
    first one. All of it is of the branch that the session is on, and of no other session unless the ``scope``
    is the namespace.
    """

    def recall_page(
        self,
        query: str,
        *,
        after: Bound | None = None,
        before: Bound | None = None,
        max_tokens: int = PAGE_TOKENS,
        cursor: str | None = None,
        scope: Scope = "session",
    ) -> Page[SearchHit]:
        """`recall` in pages: the best 200 hits, best first; of a summary and what it stands for the better.

        By words alone, with an embedder too: vectors that are made between two pages would move hits.
        Raises `QueryError`.
        """
        if crosses(scope):
            return recall_page_over(
                self._archive,
                self._state.settings.namespace,
                query,
                self._state.settings.counter,
                bounds=Bounds.of(after, before),
                max_tokens=max_tokens,
                cursor=cursor,
            )
        return recall_page(
            self._archive,
            self._current(),
            query,
            self._state.settings.counter,
            bounds=Bounds.of(after, before),
            max_tokens=max_tokens,
            cursor=cursor,
        )

    async def arecall_page(
        self,
        query: str,
        *,
        after: Bound | None = None,
        before: Bound | None = None,
        max_tokens: int = PAGE_TOKENS,
        cursor: str | None = None,
        scope: Scope = "session",
    ) -> Page[SearchHit]:
        """`recall_page` in a worker thread."""
        return await in_thread(
            self.recall_page,
            query,
            after=after,
            before=before,
            max_tokens=max_tokens,
            cursor=cursor,
            scope=scope,
        )

    def expand_page(
        self,
        ref: str,
        *,
        levels: int | None = None,
        max_tokens: int = PAGE_TOKENS,
        cursor: str | None = None,
        scope: Scope = "session",
    ) -> Page[Passage]:
        """`expand` in pages, what is too long for one in parts.

        ``levels``: how many generations to go down from a summary: 1 gives the summaries that it was made
        from, and the messages where there are none; 0 its own text. None: down to the messages. Raises
        `UnknownReference` and `QueryError`.
        """
        branch, ref = self._located(ref, scope)
        return passages(
            self._archive,
            branch,
            ref,
            self._state.settings.counter,
            last_seq=self._archive.tip(branch).last_seq,
            levels=levels,
            max_tokens=max_tokens,
            cursor=cursor,
        )

    async def aexpand_page(
        self,
        ref: str,
        *,
        levels: int | None = None,
        max_tokens: int = PAGE_TOKENS,
        cursor: str | None = None,
        scope: Scope = "session",
    ) -> Page[Passage]:
        """`expand_page` in a worker thread."""
        return await in_thread(
            self.expand_page, ref, levels=levels, max_tokens=max_tokens, cursor=cursor, scope=scope
        )

    def grep(
        self,
        pattern: str,
        *,
        regex: bool = False,
        ignore_case: bool = False,
        after: Bound | None = None,
        before: Bound | None = None,
        context: int = 0,
        max_tokens: int = PAGE_TOKENS,
        cursor: str | None = None,
    ) -> Page[GrepHit]:
        """Every line that holds ``pattern``, in log order: text, reasoning, calls and results.

        ``regex``: the pattern is a regular expression. ``context``: so many lines around each match. A page
        ends after 5 s, too, then perhaps with nothing on it; its ``next`` goes on. Raises `QueryError`, also
        for an expression that takes over a second on one line.
        """
        wanted = Grep(pattern, regex, ignore_case, Bounds.of(after, before), context)
        return wanted.page(
            self._archive,
            self._current(),
            self._state.settings.counter,
            max_tokens=max_tokens,
            cursor=cursor,
        )

    async def agrep(
        self,
        pattern: str,
        *,
        regex: bool = False,
        ignore_case: bool = False,
        after: Bound | None = None,
        before: Bound | None = None,
        context: int = 0,
        max_tokens: int = PAGE_TOKENS,
        cursor: str | None = None,
    ) -> Page[GrepHit]:
        """`grep` in a worker thread."""
        return await in_thread(
            self.grep,
            pattern,
            regex=regex,
            ignore_case=ignore_case,
            after=after,
            before=before,
            context=context,
            max_tokens=max_tokens,
            cursor=cursor,
        )

    def describe(self) -> Description:
        """The session at a glance: what is summarised, left out or shown, from when, and about what.

        As a string it is a few lines, short enough for a tool's answer.
        """
        settings = self._state.settings
        return describe(self._archive, self._current(), settings.session_id, settings.namespace)

    async def adescribe(self) -> Description:
        """`describe` in a worker thread."""
        return await in_thread(self.describe)
