"""A list taken apart: system head, body, and what is ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from context_compaction.render.context_message import beginning_place, beginning_text
from context_compaction.session.sync.blocks import is_block
from context_compaction.session.sync.items import MADE_UP, SYSTEM, Item
from context_compaction.session.sync.matching import Matcher
from context_compaction.session.sync.ours import Ours
from context_compaction.session.sync.outline import Outline


@dataclass(frozen=True, slots=True)
class Parts:
    """One way to read a list."""

    head: tuple[Item, ...]
    """System messages before the first other one, or before our context message."""
    body: tuple[Item, ...]
    """The rest of what was said."""
    made_up: frozenset[int]
    """The indexes of what is none of the conversation's."""
    contexts: tuple[Item, ...]
    """Our context messages."""


def taken_apart(items: Sequence[Item], outline: Outline, ours: Ours, matcher: Matcher) -> list[Parts]:
    """The ways to read a list, the likeliest first.

    There are two where the list may be trimmed right before a system message of the log's body: this then
    stands with the head, of which it is none. And two where a context message is ours by its id, but of no
    view that is known any more: it may be another session's, and then it is news.
    """
    found: list[Parts] = []
    made_up, claimed = _made_up(items, outline, ours)
    for gone in (made_up, made_up | claimed) if claimed else (made_up,):
        contexts = tuple(
            item for item in items if item.index in gone and item.role == "user" and not is_block(item)
        )
        said = [item for item in items if item.index not in gone]
        head = _head_length(said, contexts)
        lengths = dict.fromkeys((_own_head(said[:head], outline, matcher), head))
        found += [Parts(tuple(said[:length]), tuple(said[length:]), gone, contexts) for length in lengths]
    return found


def _made_up(items: Sequence[Item], outline: Outline, ours: Ours) -> tuple[frozenset[int], frozenset[int]]:
    """The indexes of what is ours, whatever the log says; and of what is so by its id alone.

    Without an id, a context message is ours where only we put one: before everything else. Elsewhere it may
    as well be what a user pasted. A recalled block is ours right before a user message.
    """
    made_up: set[int] = set()
    claimed: set[int] = set()
    leading, beginning = bool(outline.body), _beginning(items, outline)
    for item in items:
        if item.known == MADE_UP or item is beginning:
            made_up.add(item.index)
        elif item.role in SYSTEM:
            continue
        elif item.known is not None or outline.with_id(item.id) is not None:
            leading = False
        elif (
            _stands_before_user(item, items) and ours.blocks.is_recalled(item) and not _is_said(item, outline)
        ):
            made_up.add(item.index)
        elif is_block(item) and item.message.is_recalled:
            claimed.add(item.index)
        elif ours.claims_context(item):
            known = bool(outline.body) and (_begins(item, outline) or ours.is_context(item))
            (made_up if known else claimed).add(item.index)
        elif leading and (_begins(item, outline) or ours.is_synthetic(item) or ours.is_context(item)):
            made_up.add(item.index)
        else:
            leading = False
    return frozenset(made_up), frozenset(claimed)


def _beginning(items: Sequence[Item], outline: Outline) -> Item | None:
    """Our line that the conversation begins with the assistant, in a list of whatever log."""
    place = beginning_place(item.role for item in items)
    if place < 0 or items[place].known is not None or items[place].message.text != beginning_text():
        return None
    return None if _is_said(items[place], outline) else items[place]


def _is_said(item: Item, outline: Outline) -> bool:
    """Whether the log has a message that says the same: somebody pasted a block."""
    return bool(outline.with_digest(item.digest))


def _stands_before_user(item: Item, items: Sequence[Item]) -> bool:
    behind = items[item.index + 1 : item.index + 2]
    return bool(behind) and behind[0].role == "user"


def _begins(item: Item, outline: Outline) -> bool:
    """Whether it says that the conversation begins with the assistant, and it does."""
    first = outline[outline.body[0]]
    if item.role != "user" or first.role == "user" or first.kind in ("late", "orphan"):
        return False
    return item.message.text == beginning_text()


def _head_length(said: Sequence[Item], contexts: Sequence[Item]) -> int:
    """How many system messages stand before everything else; behind our context message they are none."""
    end = min((context.index for context in contexts), default=-1)
    before = sum(item.index < end for item in said)
    leading = next((place for place, item in enumerate(said) if item.role not in SYSTEM), len(said))
    return min(leading, before) if before else leading


def _own_head(head: Sequence[Item], outline: Outline, matcher: Matcher) -> int:
    """How many of these are of the head: those before the first that the log has in its body."""
    standing = outline.head(outline.end)
    bodies = (place for place, item in enumerate(head) if _is_of_body(item, outline, standing, matcher))
    return next(bodies, len(head))


def _is_of_body(item: Item, outline: Outline, standing: Sequence[int], matcher: Matcher) -> bool:
    first = outline.body[0] if outline.body else outline.end + 1
    if item.known is not None:
        found = [item.known]
    else:
        found = [*outline.with_digest(item.digest), outline.with_id(item.id) or 0]
    return any(seq >= first and outline[seq].supersedes is None for seq in found) and not any(
        matcher.says(item, seq) for seq in standing
    )
