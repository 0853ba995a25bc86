"""Replaying a conversation turn by turn through a session, and looking at it afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from context_compaction import (
    Budget,
    CannotCompact,
    CompactionEvent,
    Message,
    Policy,
    Session,
    SummaryDrafter,
)


@dataclass(frozen=True, slots=True)
class Step:
    """One message of the replay, and how things stood when a model would have been asked for it."""

    number: int
    said: int
    """Tokens of the whole log."""
    seen: int
    """Tokens of the context."""
    events: tuple[CompactionEvent, ...] = ()
    """Compactions committed since the last step."""
    refused: CannotCompact | None = None
    """The floor did not fit: the turn would have failed, with nothing lost."""


@dataclass(slots=True)
class Totals:
    """Sums over all requests."""

    requests: int = 0
    said: int = 0
    """Tokens that the requests would have had with the whole log."""
    seen: int = 0
    """Tokens that they had."""
    refused: int = 0
    peak: int = 0
    events: list[CompactionEvent] = field(default_factory=list[CompactionEvent])

    def add(self, step: Step) -> None:
        """Take a step into account."""
        self.events += step.events
        if step.refused is not None:
            self.refused += 1
            return
        self.requests += 1
        self.said += step.said
        self.seen += step.seen
        self.peak = max(self.peak, step.seen)


class Direct:
    """A conversation told to a session, message by message."""

    def __init__(
        self, path: Path, name: str, budget: Budget, policy: Policy, *, drafter: SummaryDrafter | None = None
    ) -> None:
        self.session = Session(path, session_id=name, budget=budget, policy=policy, drafter=drafter)

    def replay(self, messages: list[dict[str, Any]]) -> Iterator[Step]:
        """Append every message; ask for the context before each of the assistant's."""
        return _replay(self.session, messages)

    def restored(self, messages: list[dict[str, Any]]) -> tuple[int, bool]:
        """How many messages the archive gives back, and whether each equals what was said."""
        back = [message.to_openai() for message in self.session.history()]
        return len(back), back == messages

    def close(self) -> None:
        """End it."""
        self.session.close()


def _replay(session: Session, messages: list[dict[str, Any]]) -> Iterator[Step]:
    known = len(session.events)
    for number, message in enumerate(messages, start=1):
        refused: CannotCompact | None = None
        if message.get("role") == "user" and number > 1:
            session.after_turn()
        asks = message.get("role") == "assistant"
        if asks:
            try:
                session.context()
            except CannotCompact as error:
                refused = error
        session.append(message)
        if asks:
            stats, events = session.stats, session.events
            fresh = tuple(event for event in events[known:] if event.committed)
            known = len(events)
            yield Step(number, stats.tokens_said, stats.tokens_seen, fresh, refused)


def shortened(message: Message, longest: int = 160) -> str:
    """A message in one line for a table."""
    calls = " ".join(f"{call.name}({call.arguments})" for call in message.tool_calls)
    text = " ".join(f"{message.text} {calls}".split())
    return text if len(text) <= longest else text[: longest - 1] + "…"
