"""From a list to what has to be written: which branch goes on, from where, with which messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from context_compaction.errors import DuplicateMessage
from context_compaction.messages import Message
from context_compaction.session.sync.agreement import Agreement
from context_compaction.session.sync.items import MADE_UP, Item
from context_compaction.session.sync.ours import Ours
from context_compaction.session.sync.outline import Outline


@dataclass(frozen=True, slots=True)
class SyncPlan:
    """What makes the log equal to the list."""

    branch: int
    """The branch that the list agrees with most."""
    fork_at: int | None
    """Where it leaves that branch; None if it does not."""
    head: tuple[tuple[Message, int], ...]
    """System messages to write, each with the one of the head that it supersedes, or 0."""
    fresh: tuple[Message, ...]
    """New messages to write behind them, in order."""
    numbers: tuple[int, ...]
    """For each message of the list the number that it has, or will have."""


def sync_plan(found: Agreement, items: Sequence[Item]) -> SyncPlan:
    """What is to be written, given what agrees. Raises `InvalidMessage` and `DuplicateMessage`."""
    outline, parts = found.outline, found.parts
    at = _last_agreeing(found)
    numbers = dict.fromkeys(parts.made_up, MADE_UP)
    rest = _rest(found, at, numbers)
    head: list[tuple[Item, int]] = []
    if at:
        head = _head_changes(found, at, numbers)
    else:
        rest = [*parts.head, *rest]  # the beginning of a log: nothing is superseded
    if at != outline.end:
        rest = list(_as_said(rest, at, found.ours))
    fresh = _fresh(outline, rest, at, numbers)
    numbers |= {item.index: seq for seq, item in enumerate([*(item for item, _ in head), *fresh], at + 1)}
    ids = {item.id: numbers[item.index] for item in fresh}  # what is twice in the list is once in the log
    ids[None] = MADE_UP
    return SyncPlan(
        branch=outline.branch,
        fork_at=None if at == outline.end else at,
        head=tuple((_own(item, outline, at), replaced) for item, replaced in head),
        fresh=tuple(item.stored() for item in fresh),
        numbers=tuple(numbers.get(item.index, ids.get(item.id, MADE_UP)) for item in items),
    )


def _last_agreeing(found: Agreement) -> int:
    """The number of the last message that list and log share."""
    outline, match = found.outline, found.match
    if found.headless:
        return 0
    if match.whole:
        return outline.end
    return match.at or (outline.first_head(outline.end) if found.parts.head else 0)


def _rest(found: Agreement, at: int, numbers: dict[int, int]) -> list[Item]:
    """What is to be written behind message ``at``; the others get the numbers that they have."""
    body, known = found.parts.body, found.match.numbers
    rest: list[Item] = []
    for item, seq in zip(body, known, strict=False):
        if seq > at:
            rest.append(item)
        else:
            numbers[item.index] = seq
    return [*rest, *body[len(known) :]]


def _as_said(items: Sequence[Item], at: int, ours: Ours) -> Iterable[Item]:
    """What a fork begins with: what a view showed of messages behind message ``at``, as they were said."""
    for item in items:
        original = ours.original(item)
        if original is not None and original[0] > at:
            yield Item(item.index, original[1])
        elif not ours.is_synthetic(item) or item is items[-1]:
            yield item


def _head_changes(found: Agreement, at: int, numbers: dict[int, int]) -> list[tuple[Item, int]]:
    """The system messages that are not as they stand, each with the one that it replaces, or 0."""
    outline, head = found.outline, found.parts.head
    left = outline.head(at)
    changed: list[Item] = []
    for item in head:
        # Whatever its id says: a system prompt is worked on in place.
        seq = next((seq for seq in left if found.matcher.says(item, seq)), None)
        if seq is None:
            changed.append(item)
        else:
            left.remove(seq)
            numbers[item.index] = seq
    out: list[tuple[Item, int]] = []
    for item in changed:
        by_id = [seq for seq in left if item.id is not None and outline[seq].message_id == item.id]
        replaced = next(iter(by_id or left), 0)
        if replaced:
            left.remove(replaced)
        out.append((item, replaced))
    return out


def _fresh(outline: Outline, items: Iterable[Item], at: int, numbers: dict[int, int]) -> list[Item]:
    """Those that the log does not have up to ``at``, by their ids; each id once."""
    fresh: list[Item] = []
    ids: dict[str, Item] = {}
    for item in items:
        seq = outline.with_id(item.id, at)
        first = None if item.id is None else ids.get(item.id)
        if item.id is None or (seq is None and first is None):
            fresh.append(item)
            if item.id is not None:
                ids[item.id] = item
            continue
        known = outline[seq].digest if seq is not None else first.digest if first is not None else b""
        if item.digest != known:
            raise DuplicateMessage(item.id, item.index)
        if seq is not None:
            numbers[item.index] = seq
    return fresh


def _own(item: Item, outline: Outline, at: int) -> Message:
    """A new system prompt often has its predecessor's id, which stands for that one in the log."""
    message = item.stored()
    return message if outline.with_id(message.id, at) is None else replace(message, id=None)
