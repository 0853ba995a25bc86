"""One request to be judged, taken apart once for all rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from tests.checker.context_message import is_context, is_recalled, named
from tests.checker.log import Item, Pairing, expected_body, expected_head, groups, pair
from tests.checker.problem import HEAD_ROLES, ChatMessage, CountList, role, text


@dataclass(frozen=True)
class Request:
    """The log so far, what the model was shown of it, and the terms it was shown under."""

    log: Sequence[ChatMessage]
    shown: Sequence[ChatMessage]
    input_tokens: int
    """What the list may cost at most: window - reserve - overhead."""
    counts: Mapping[str, CountList]
    """Counters by name; the first one also compares the lengths of originals and edits."""
    pins: Sequence[int | str] = ()
    """Pinned sequence numbers and standing instructions."""
    superseded: Mapping[int, int] = field(default_factory=dict[int, int])
    """Changed system messages: old sequence number to the one that took its place."""
    joined: Sequence[int] = ()
    """System messages that came to the head when it was behind others already."""
    references: bool = True
    """False where nothing is archived, so that nothing can name where its originals are."""

    @property
    def count(self) -> CountList:
        """The counter that compares lengths."""
        return next(iter(self.counts.values()))

    @cached_property
    def elsewhere(self) -> frozenset[int]:
        """What stands in the head, or did, wherever it is in the log."""
        return frozenset([*self.superseded, *self.superseded.values(), *self.joined])

    @cached_property
    def pairing(self) -> Pairing:
        """Calls and results of the log."""
        return pair(self.log, self.elsewhere)

    @cached_property
    def groups(self) -> list[frozenset[int]]:
        """The log's groups."""
        return groups(self.log, self.pairing)

    @cached_property
    def head(self) -> list[ChatMessage]:
        """The system head that must be shown."""
        return expected_head(self.log, self.superseded, self.joined)

    @cached_property
    def head_end(self) -> int:
        """How many of the shown messages are the system head."""
        for place, message in enumerate(self.shown[: len(self.head)]):
            if role(message) not in HEAD_ROLES:
                return place
        return min(len(self.head), len(self.shown))

    @cached_property
    def context(self) -> ChatMessage | None:
        """The context message, if one stands directly behind the head."""
        after = self.shown[self.head_end : self.head_end + 1]
        return after[0] if after and is_context(after[0], self.log) else None

    @cached_property
    def body(self) -> list[tuple[int, ChatMessage]]:
        """The shown messages behind head and context message, recalled block aside, with their places."""
        start = self.head_end + (self.context is not None)
        placed = list(enumerate(self.shown))[start:]
        return [(place, message) for place, message in placed if not is_recalled(message, self.log)]

    @cached_property
    def covered(self) -> set[int]:
        """The sequence numbers that the context message names.

        Where nothing is archived it names none, and all that may leave counts as named.
        """
        if self.context is None:
            return set()
        if self.references:
            return named(text(self.context), len(self.log))
        stay = self.newest_group | {self.newest_user}
        every = set(range(1, len(self.log) + 1)) - stay
        return {seq for seq in every if role(self.original(seq)) not in HEAD_ROLES}

    @cached_property
    def items(self) -> list[Item]:
        """What the whole log would show behind the head."""
        return expected_body(self.log, self.pairing, self.elsewhere)

    @cached_property
    def newest_user(self) -> int:
        """Sequence number of the newest user message, 0 without one."""
        return max((seq for seq, message in enumerate(self.log, 1) if role(message) == "user"), default=0)

    @cached_property
    def newest(self) -> int:
        """Sequence number of the newest message that does not stand in the head instead, 0 without one."""
        return max((seq for seq in range(1, len(self.log) + 1) if seq not in self.elsewhere), default=0)

    @cached_property
    def newest_group(self) -> frozenset[int]:
        """The group that the newest message belongs to."""
        return next((group for group in reversed(self.groups) if self.newest in group), frozenset())

    def original(self, seq: int) -> ChatMessage:
        """The log's message of this number."""
        return self.log[seq - 1]
