"""`recall`, a page at a time."""

from __future__ import annotations

from context_compaction.archive.base import Archive
from context_compaction.archive.records import Upto
from context_compaction.counting import TokenCounter
from context_compaction.recall.at_once import at_once
from context_compaction.recall.bounds import Bounds
from context_compaction.recall.hits import SearchHit
from context_compaction.recall.paging import Cursor, Page, check_page, fitting, mark_of
from context_compaction.recall.search import recall

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
    check_page(max_tokens)
    state = archive.state(branch)
    began = Cursor.of(cursor, mark_of("recall", query, bounds), 0, state.last_seq, state.next_summary - 1)
    given, *moment = began.places
    hits = recall(archive, branch, query, MOST, bounds=bounds, upto=Upto(*moment), unique=True)
    items, tokens, whole = fitting(((hit, hit_tokens(hit, counter)) for hit in hits[given:]), max_tokens)
    after = None if whole else str(Cursor(began.asked, (given + len(items), *moment)))
    return Page(tuple(items), after, tokens)


def hit_tokens(hit: SearchHit, counter: TokenCounter) -> int:
    """Of what a hit says."""
    if hit.message is not None:
        return counter.message(hit.message)
    return counter.text(hit.summary.text) if hit.summary is not None else 0
