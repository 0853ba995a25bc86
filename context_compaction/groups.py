"""Which messages stay or go together: tool calls paired with their results, as the log grows.

Rules (design §4.1). A result answers the latest earlier unanswered call of its id. Any message that is
not a tool result closes the calls before it: each that is unanswered then shows a fixed synthetic result,
for good. A result that comes after that is *late*: linked to its call, but shown as quoted text. A result
whose id nobody asked for is an *orphan*, also shown as quoted text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from context_compaction.messages import Message

Kind = Literal["plain", "call", "live", "late", "orphan"]
"""plain: no tools; call: asks for tools; live: answers an open call; late and orphan: see above."""


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call of the log, by where it stands."""

    seq: int
    position: int
    call_id: str


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one appended message belongs, and what its coming changed."""

    group: int
    """Sequence number of the first message of its group."""
    kind: Kind
    opened: tuple[Call, ...] = ()
    closed: tuple[Call, ...] = ()
    """Calls that got their synthetic result because this message came."""
    answers: Call | None = None


@dataclass(slots=True)
class Pairing:
    """The open and unanswered calls of one log; `place` takes the next message."""

    unanswered: dict[str, list[Call]] = field(default_factory=dict[str, list[Call]])
    """By call id, oldest first, closed ones included (a late result may still come)."""
    open_calls: list[Call] = field(default_factory=list[Call])
    """Unanswered calls of the last assistant message, while only tool results followed it."""

    @classmethod
    def restore(cls, closed: Iterable[Call], open_calls: Iterable[Call]) -> Pairing:
        """The state again from the unanswered calls of a stored log, in log order."""
        pairing = cls(open_calls=list(open_calls))
        for call in [*closed, *pairing.open_calls]:
            pairing.unanswered.setdefault(call.call_id, []).append(call)
        return pairing

    def copy(self) -> Pairing:
        """An independent copy, to try a batch on before it is stored."""
        return Pairing({key: list(calls) for key, calls in self.unanswered.items()}, list(self.open_calls))

    def place(self, seq: int, message: Message) -> Placement:
        """Take message number ``seq`` of the log into account and say where it belongs."""
        result = message.tool_result
        if result is not None:
            return self._place_result(seq, result.call_id)
        closed, self.open_calls = tuple(self.open_calls), []
        opened = tuple(Call(seq, index, call.id) for index, call in enumerate(message.tool_calls))
        for call in opened:
            self.unanswered.setdefault(call.call_id, []).append(call)
        self.open_calls = list(opened)
        return Placement(seq, "call" if opened else "plain", opened, closed)

    def _place_result(self, seq: int, call_id: str) -> Placement:
        waiting = self.unanswered.get(call_id)
        if not waiting:
            return Placement(seq, "orphan")
        # The newest message that waits; should one message have used an id twice, its calls in order.
        newest = waiting[-1].seq
        call = waiting.pop(next(i for i, one in enumerate(waiting) if one.seq == newest))
        if not waiting:
            del self.unanswered[call_id]
        live = call in self.open_calls
        if live:
            self.open_calls.remove(call)
        return Placement(call.seq, "live" if live else "late", answers=call)


def add_closed(synthetics: dict[int, tuple[str, ...]], closed: Iterable[Call]) -> None:
    """Take calls that closed unanswered into account: their ids, by the number of their message."""
    for call in closed:
        synthetics[call.seq] = (*synthetics.get(call.seq, ()), call.call_id)


@dataclass(frozen=True, slots=True)
class MessageGroup:
    """The smallest unit that may leave: ``seqs`` in log order, possibly not contiguous."""

    seqs: tuple[int, ...]

    @property
    def first(self) -> int:
        """Sequence number that the group is named by."""
        return self.seqs[0]

    @property
    def last(self) -> int:
        """Sequence number of its newest message: how recent the group is."""
        return self.seqs[-1]


class Grouped(Protocol):
    """Anything that knows its place in the log and its group."""

    @property
    def seq(self) -> int:
        """Its sequence number."""
        ...

    @property
    def group(self) -> int:
        """The first sequence number of its group."""
        ...


def message_groups(members: Iterable[Grouped]) -> tuple[MessageGroup, ...]:
    """The groups among ``members`` (in log order), ordered by their first message that is there."""
    found: dict[int, list[int]] = {}
    for member in members:
        found.setdefault(member.group, []).append(member.seq)
    return tuple(MessageGroup(tuple(group)) for group in found.values())
