"""The least that a request can be brought down to, computed apart from the engine (design §3, floor).

floor = overhead + system + pins + newest user message + newest group + the context message at its least.

Calibrated conservatively, so that the engine gets no excuse: the envelope of the context message and a gap
line are priced at what a terse one costs, a clamped text at exactly 64 tokens and its reference, and a hole
between messages that stay is counted only where something of the log really lies in it. What the engine needs
beyond that, its own wording among it, is its own doing up to `SLACK`: `CannotCompact` is justified where the
floor and the slack pass the input, and must come where the floor alone does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tests.checker.log import Pairing, expected_head, groups, head_length, pair
from tests.checker.problem import HEAD_ROLES, ChatMessage, CountList, role, text

CLAMPED_TOKENS = 64
REFERENCE_TOKENS = 16
"""The marker inside a clamped text that says where the rest is."""
ENVELOPE_TOKENS = 48
"""Opening and closing tag, and one sentence that this is reference and not instruction."""
GAP_TOKENS = 12
SYNTHETIC_TOKENS = 20
QUOTE_TOKENS = 8
"""Opening and closing tag around a result that nobody asked for, or that came too late."""
SLACK = 24
"""Tokens by which the engine's own wording and counter may differ from the prices above."""


@dataclass(frozen=True, slots=True)
class Floor:
    """The floor, itemised in tokens."""

    overhead: int
    system: int
    pins: int
    newest_user: int
    newest_group: int
    context: int
    holes: int
    """Runs of messages that must leave; each has its gap line in `context`."""

    @property
    def total(self) -> int:
        """The whole floor."""
        return self.overhead + self.system + self.pins + self.newest_user + self.newest_group + self.context

    def justifies(self, input_tokens: int) -> bool:
        """True if `CannotCompact` is right, or within `SLACK` of being right."""
        return self.total + SLACK > input_tokens

    def forces(self, input_tokens: int) -> bool:
        """True if no view can fit: `CannotCompact` has to come."""
        return self.total > input_tokens


@dataclass(frozen=True, slots=True)
class Terms:
    """What a floor depends on besides the log."""

    input_tokens: int
    count: CountList
    overhead: int = 0
    pins: Sequence[int | str] = ()
    superseded: Mapping[int, int] = field(default_factory=dict[int, int])
    joined: Sequence[int] = ()
    """As of `Request`."""

    @property
    def elsewhere(self) -> frozenset[int]:
        """What stands in the head, or did, wherever it is in the log."""
        return frozenset([*self.superseded, *self.superseded.values(), *self.joined])

    def alone(self, message: ChatMessage) -> int:
        """One message without what any list costs: whether it passes half of the input hangs on it."""
        return self.count([message]) - self.count([])


def floor(log: Sequence[ChatMessage], terms: Terms) -> Floor:
    """Compute the floor of this log prefix."""
    pairing = pair(log, terms.elsewhere)
    newest = max((seq for seq in range(1, len(log) + 1) if seq not in terms.elsewhere), default=0)
    fixed = {seq for seq, message in enumerate(log, 1) if role(message) in HEAD_ROLES}
    together = groups(log, pairing)
    batch = _open_batch(log, pairing, terms.elsewhere)
    group = frozenset().union(*(g for g in together if newest in g or batch in g)) - fixed
    user = max((seq for seq, message in enumerate(log, 1) if role(message) == "user"), default=0)
    system = _system(log, terms)
    pinned = {pin for pin in terms.pins if isinstance(pin, int)} - group - {user}
    stay = group | fixed | {user}
    holes = _holes(len(log), stay)
    quotes = sum(terms.alone({"role": "user", "content": pin}) for pin in terms.pins if isinstance(pin, str))
    return Floor(
        overhead=terms.overhead,
        system=terms.count(system),
        pins=quotes + sum(terms.alone(log[seq - 1]) for seq in sorted(pinned)),
        newest_user=0 if not user or user in group else _user(log, user, terms),
        newest_group=sum(_member(log, pairing, seq, terms) for seq in sorted(group))
        + _unanswered(log, pairing, group),
        context=(ENVELOPE_TOKENS + GAP_TOKENS * holes)
        if holes or quotes or pinned or _needs_user(log, stay - fixed)
        else 0,
        holes=holes,
    )


def _needs_user(log: Sequence[ChatMessage], stay: frozenset[int]) -> bool:
    """True if the context message must stand there, since no user-role message comes first (design §4.4)."""
    return next((role(log[seq - 1]) == "assistant" for seq in sorted(stay) if seq), False)


def _open_batch(log: Sequence[ChatMessage], pairing: Pairing, elsewhere: Collection[int]) -> int | None:
    """The assistant message whose calls may still be answered: only tool messages stand behind it."""
    asked = (seq for seq, message in enumerate(log, 1) if role(message) != "tool" and seq not in elsewhere)
    last = max(asked, default=0)
    return last if last and pairing.open_calls(last, log[last - 1]) else None


def _system(log: Sequence[ChatMessage], terms: Terms) -> list[ChatMessage]:
    later = (
        message
        for seq, message in enumerate(log, 1)
        if seq > head_length(log) and role(message) in HEAD_ROLES and seq not in terms.elsewhere
    )
    return [*expected_head(log, terms.superseded, terms.joined), *later]


def _holes(length: int, stay: frozenset[int]) -> int:
    """Runs of sequence numbers between those that stay."""
    return sum(seq not in stay and (seq == 1 or seq - 1 in stay) for seq in range(1, length + 1))


def _member(log: Sequence[ChatMessage], pairing: Pairing, seq: int, terms: Terms) -> int:
    """One message of the newest group: results at their clamped minimum, all else whole."""
    message = log[seq - 1]
    if role(message) == "user":
        return _user(log, seq, terms)
    clamps = role(message) == "tool" and seq not in terms.pins
    quotes = seq in pairing.orphans or seq in pairing.late
    return (_least(message, terms) if clamps else terms.alone(message)) + quotes * QUOTE_TOKENS


def _user(log: Sequence[ChatMessage], seq: int, terms: Terms) -> int:
    """The newest user message: clamped only if it passes half of the input, and never when pinned."""
    whole = terms.alone(log[seq - 1])
    clamps = whole > terms.input_tokens / 2 and seq not in terms.pins
    return _least(log[seq - 1], terms) if clamps else whole


def _least(message: ChatMessage, terms: Terms) -> int:
    whole = terms.alone(message)
    clamped = terms.alone({**message, "content": ""}) + CLAMPED_TOKENS + REFERENCE_TOKENS
    return min(whole, clamped) if text(message) else whole


def _unanswered(log: Sequence[ChatMessage], pairing: Pairing, group: frozenset[int]) -> int:
    """Fixed results that a closed newest group must carry."""
    return SYNTHETIC_TOKENS * sum(
        len(pairing.open_calls(seq, log[seq - 1])) for seq in group & pairing.closed
    )
