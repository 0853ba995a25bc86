"""From a list to what has to be written: which branch goes on, from where, with which messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from context_compaction.errors import DuplicateMessage
from context_compaction.messages import Message
from context_compaction.session.sync.agreement import Agreement
from context_compaction.session.sync.items import MADE_UP, Item
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
    outline, parts, match = found.outline, found.parts, found.match
    at = _last_agreeing(found)
    numbers = dict.fromkeys(parts.made_up, MADE_UP)
    numbers |= {item.index: seq for item, seq in zip(parts.body, match.seqs, strict=False)}
    head: list[tuple[Item, int]] = []
    rest = list(parts.body[len(match.seqs) :])
    if at:
        head = _head_changes(found, at, numbers)
    else:
        rest = [*parts.head, *rest]  # the beginning of a log: nothing is superseded
    fresh = _fresh(outline, rest, at, numbers)
    numbers |= {item.index: seq for seq, item in enumerate([*(item for item, _ in head), *fresh], at + 1)}
    by_id = {item.id: numbers[item.index] for item in fresh}  # what is twice in the list is once in the log
    return SyncPlan(
        branch=outline.branch,
        fork_at=None if at == outline.end else at,
        head=tuple((_own(item, outline, at), replaced) for item, replaced in head),
        fresh=tuple(item.message for item in fresh),
        numbers=tuple(numbers.get(item.index, by_id.get(item.id, MADE_UP)) for item in items),
    )


def _last_agreeing(found: Agreement) -> int:
    """The number of the last message that list and log share."""
    outline, match = found.outline, found.match
    if match.whole:
        return outline.end
    if match.seqs:
        return max(match.seqs)
    return outline.first_head(outline.end) if found.parts.head else 0


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
    message = item.message
    return message if outline.with_id(message.id, at) is None else replace(message, id=None)
