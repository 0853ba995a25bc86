"""What the log alone says about a faithful rendering: pairs, groups, what to expect (design §4.1, §5).

Written from the design, not from the engine. Sequence numbers start at 1.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tests.checker.problem import HEAD_ROLES, ChatMessage, call_id, calls, role

Slot = tuple[int, int]
"""One call: the sequence number of its assistant message, and its place among that message's calls."""


@dataclass(frozen=True, slots=True)
class Item:
    """One message that the view is expected to show while its group has not left."""

    kind: Literal["original", "synthetic", "quoted"]
    seq: int
    """The log message shown; for a synthetic result, the assistant message that called."""
    call: str = ""
    """The call that a synthetic result answers."""
    optional: bool = False
    """True for quoted results that reached a batch which is still open: they may wait until it closes."""


@dataclass(slots=True)
class Pairing:
    """Which result belongs to which call (design §4.1)."""

    in_time: dict[int, Slot] = field(default_factory=dict[int, Slot])
    late: dict[int, Slot] = field(default_factory=dict[int, Slot])
    orphans: set[int] = field(default_factory=set[int])
    closed: set[int] = field(default_factory=set[int])
    answered: set[Slot] = field(default_factory=set[Slot])
    """The calls that a result reached in time."""

    def open_calls(self, seq: int, message: ChatMessage) -> list[str]:
        """Ids of this assistant message's calls that no result reached in time."""
        return [
            call_id(call) for place, call in enumerate(calls(message)) if (seq, place) not in self.answered
        ]


def pair(log: Sequence[ChatMessage], elsewhere: Collection[int] = ()) -> Pairing:
    """Pair each result with the latest earlier unanswered call of its id.

    ``elsewhere``: system messages that stand in the head, and come between no call and its result.
    """
    pairing = Pairing()
    waiting: dict[str, list[Slot]] = {}
    batch = 0
    for seq, message in enumerate(log, start=1):
        if seq in elsewhere:
            continue
        if role(message) == "tool":
            _pair_result(pairing, waiting, batch, seq, message)
            continue
        pairing.closed.add(batch)
        batch = seq
        for place, call in enumerate(calls(message)):
            waiting.setdefault(call_id(call), []).append((seq, place))
    return pairing


def _pair_result(
    pairing: Pairing, waiting: dict[str, list[Slot]], batch: int, seq: int, message: ChatMessage
) -> None:
    slots = waiting.get(str(message.get("tool_call_id") or ""))
    if not slots:
        pairing.orphans.add(seq)
        return
    newest = max(slot[0] for slot in slots)
    slot = next(slot for slot in slots if slot[0] == newest)
    slots.remove(slot)
    if newest == batch:
        pairing.in_time[seq] = slot
        pairing.answered.add(slot)
    else:
        pairing.late[seq] = slot


def head_length(log: Sequence[ChatMessage]) -> int:
    """How many system and developer messages stand before the first other message."""
    for place, message in enumerate(log):
        if role(message) not in HEAD_ROLES:
            return place
    return len(log)


def groups(log: Sequence[ChatMessage], pairing: Pairing) -> list[frozenset[int]]:
    """The units that stay or leave together: an assistant message with all its results, late ones too."""
    members: dict[int, set[int]] = {}
    owner = {seq: slot[0] for seq, slot in (pairing.in_time | pairing.late).items()}
    for seq in range(1, len(log) + 1):
        members.setdefault(owner.get(seq, seq), set()).add(seq)
    return [frozenset(group) for group in members.values()]


def expected_head(
    log: Sequence[ChatMessage], superseded: Mapping[int, int], joined: Sequence[int] = ()
) -> list[ChatMessage]:
    """The head as the view must show it; `superseded` maps an old record to the one in its place.

    ``joined``: system messages that came later and stand at its end.
    """
    head: list[ChatMessage] = []
    first = set(range(1, head_length(log) + 1)) - set(superseded.values()) - set(joined)
    for seq in [*sorted(first), *joined]:
        current = seq
        while current in superseded:
            current = superseded[current]
        head.append(log[current - 1])
    return head


def expected_body(
    log: Sequence[ChatMessage], pairing: Pairing, elsewhere: Collection[int] = ()
) -> list[Item]:
    """Every message behind the head as it shows if nothing has left, in rendered order.

    ``elsewhere``: numbers of messages that stand in the head, or did.
    """
    seqs = [seq for seq in range(head_length(log) + 1, len(log) + 1) if seq not in elsewhere]
    return list(_in_batches(log, pairing, seqs))


def _in_batches(log: Sequence[ChatMessage], pairing: Pairing, seqs: Sequence[int]) -> Iterator[Item]:
    start = 0
    while start < len(seqs):
        end = start + 1
        while end < len(seqs) and role(log[seqs[end] - 1]) == "tool":
            end += 1
        yield from _batch(log, pairing, seqs[start:end])
        start = end


def _batch(log: Sequence[ChatMessage], pairing: Pairing, seqs: Sequence[int]) -> Iterator[Item]:
    """One message and the results behind it: real ones, synthetic ones, then what can only be quoted."""
    if role(log[seqs[0] - 1]) != "tool":
        yield Item("original", seqs[0])
    yield from (Item("original", seq) for seq in seqs if seq in pairing.in_time)
    missing = pairing.open_calls(seqs[0], log[seqs[0] - 1])
    pending = bool(missing) and seqs[0] not in pairing.closed
    if not pending:
        yield from (Item("synthetic", seqs[0], call) for call in missing)
    strays = (seq for seq in seqs if seq in pairing.late or seq in pairing.orphans)
    yield from (Item("quoted", seq, optional=pending) for seq in strays)
