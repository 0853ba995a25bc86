"""The orders in which a list may have a log's messages: as they were said, or as a view showed them."""

from __future__ import annotations

from collections.abc import Iterable

from context_compaction.session.sync.ours import Ours, Showing
from context_compaction.session.sync.outline import Order, Outline
from context_compaction.session.sync.parts import Parts


def likely_orders(outline: Outline, ours: Ours, parts: Parts) -> Iterable[Order]:
    """What the list's context messages say; else, as it was said."""
    for item in parts.contexts:
        showing = ours.showing(item)
        if showing is not None:
            yield _order(outline, showing)
    yield Order(outline.body)


def possible_orders(outline: Outline, ours: Ours, parts: Parts) -> Iterable[Order]:
    """All that the list may have, the likeliest first."""
    yield from likely_orders(outline, ours, parts)
    if not parts.contexts and parts.body:  # it may have been taken away
        for showing in ours.recent():
            order = _order(outline, showing)
            if order.seqs or not outline.body:  # one that shows nothing of the log agrees with every list
                yield order


def _order(outline: Outline, showing: Showing) -> Order:
    return Order(outline.shown(showing.kept, showing.end), showing.hidden)
