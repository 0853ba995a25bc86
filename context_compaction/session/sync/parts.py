"""A list taken apart: system head, body, and what is ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from context_compaction.session.sync.items import SYSTEM, Item
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
    stands with the head, of which it is none.
    """
    made_up = [item for item in items if outline.with_id(item.id) is None and ours.is_made_up(item)]
    contexts = tuple(item for item in made_up if item.role == "user")
    gone = frozenset(item.index for item in made_up)
    said = [item for item in items if item.index not in gone]
    end = min([context.index for context in contexts], default=len(items))
    head = next((n for n, item in enumerate(said) if item.role not in SYSTEM or item.index > end), len(said))
    lengths = dict.fromkeys((_own_head(said[:head], outline, matcher), head))
    return [Parts(tuple(said[:length]), tuple(said[length:]), gone, contexts) for length in lengths]


def _own_head(head: Sequence[Item], outline: Outline, matcher: Matcher) -> int:
    """How many of these are of the head, if all that the log has in its body are of the body."""
    standing = outline.head(outline.end)
    length = len(head)
    while length and _is_of_body(head[length - 1], outline, standing, matcher):
        length -= 1
    return length


def _is_of_body(item: Item, outline: Outline, standing: Sequence[int], matcher: Matcher) -> bool:
    first = outline.body[0] if outline.body else outline.end + 1
    if item.known is not None:
        found = [item.known]
    else:
        found = [*outline.with_digest(item.digest), outline.with_id(item.id) or 0]
    return any(seq >= first and outline[seq].supersedes is None for seq in found) and not any(
        matcher.says(item, seq) for seq in standing
    )
