"""`recall`, a page at a time."""

from __future__ import annotations

from context_compaction.archive.base import Archive
from context_compaction.archive.over_sessions import Moment
from context_compaction.archive.records import Upto
from context_compaction.counting import TokenCounter
from context_compaction.recall.at_once import at_once
from context_compaction.recall.bounds import Bounds
from context_compaction.recall.crossing import OfNamespace
from context_compaction.recall.hits import SearchHit
from context_compaction.recall.paging import Cursor, Page, check_page, fitting, mark_of
from context_compaction.recall.search import recall_in
from context_compaction.recall.searched import OfBranch, Searched

MOST = 200
"""So many hits a recall has in all."""


@at_once
def recall_page(
    archive: Archive,
    branch: int,
    query: str,
    counter: TokenCounter,
    *,
    bounds: Bounds,
    max_tokens: int,
    cursor: str | None,
) -> Page[SearchHit]:
    """As many of the hits behind ``cursor`` as fit ``max_tokens``, one at least.

    All pages answer as the branch stood at the first one, and so by words alone: which vectors it had then is
    not known later. Raises `QueryError`.
    """
    state = archive.state(branch)
    began = Cursor.of(cursor, mark_of("recall", query, bounds), 0, state.last_seq, state.next_summary - 1)
    where = OfBranch(archive, branch, bounds=bounds, upto=Upto(*began.places[1:]))
    return _page(where, query, counter, began, max_tokens)


@at_once
def recall_page_over(
    archive: Archive,
    namespace: str,
    query: str,
    counter: TokenCounter,
    *,
    bounds: Bounds,
    max_tokens: int,
    cursor: str | None,
) -> Page[SearchHit]:
    """`recall_page` over the sessions of a namespace."""
    now = archive.moment(namespace) if cursor is None else Moment()
    began = Cursor.of(cursor, mark_of("recall", namespace, query, bounds), 0, *now)
    where = OfNamespace(archive, namespace, bounds=bounds, moment=Moment(*began.places[1:]))
    return _page(where, query, counter, began, max_tokens)


def _page(
    where: Searched, query: str, counter: TokenCounter, began: Cursor, max_tokens: int
) -> Page[SearchHit]:
    check_page(max_tokens)
    given, *moment = began.places
    hits = recall_in(where, query, MOST, unique=True)
    items, tokens, whole = fitting(((hit, hit_tokens(hit, counter)) for hit in hits[given:]), max_tokens)
    after = None if whole else str(Cursor(began.asked, (given + len(items), *moment)))
    return Page(tuple(items), after, tokens)


def hit_tokens(hit: SearchHit, counter: TokenCounter) -> int:
    """Of what a hit says."""
    if hit.message is not None:
        return counter.message(hit.message)
    return counter.text(hit.summary.text) if hit.summary is not None else 0
