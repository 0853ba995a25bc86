"""The demo's run through a chain's memory: ``python -m context_compaction demo --langchain``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import convert_to_messages

from context_compaction import Budget, CannotCompact, CompactionEvent, Policy, Session, SummaryDrafter
from langchain_compaction.memory import ConversationCompactionMemory
from langchain_compaction.messages import write_all

Dict = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """How things stood when a chain would have asked its model."""

    number: int
    """Messages said so far."""
    said: int
    """Tokens of all of them."""
    seen: int
    """Tokens of what the memory showed."""
    events: tuple[CompactionEvent, ...]
    """Compactions committed since the last turn."""
    refused: CannotCompact | None = None


class ThroughMemory:
    """A conversation told turn by turn with `save_context`, after `load_memory_variables`."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        name: str,
        budget: Budget,
        policy: Policy,
        *,
        drafter: SummaryDrafter | None = None,
    ) -> None:
        self._memory = ConversationCompactionMemory(
            archive=path,
            session_id=name,
            max_token_limit=budget.input_tokens,
            policy=policy,
            drafter=drafter,
            return_messages=True,
        )

    @property
    def session(self) -> Session:
        """The memory's."""
        return self._memory.session

    def replay(self, messages: Sequence[Dict]) -> Iterator[Turn]:
        """Every turn of these."""
        known, number = len(self.session.events), 0
        for asked, answered in _turns(messages):
            refused: CannotCompact | None = None
            try:
                self._memory.load_memory_variables({})
            except CannotCompact as error:
                refused = error
            stats, events = self.session.stats, self.session.events
            fresh = tuple(event for event in events[known:] if event.committed)
            known = len(events)
            self._memory.save_context({"input": asked}, {"output": answered})
            number += len(asked) + len(answered)
            yield Turn(number, stats.tokens_said, stats.tokens_seen, fresh, refused)

    def restored(self, messages: Sequence[Dict]) -> tuple[int, bool]:
        """How many messages the archive gives back, and whether each equals what was said."""
        back = write_all(self.session.history())
        return len(back), back == convert_to_messages(list(messages))

    def close(self) -> None:
        """End it."""
        self._memory.close()


def _turns(messages: Sequence[Dict]) -> Iterator[tuple[list[Dict], list[Dict]]]:
    """What a user says with what stands before it, and all up to what a user says next."""
    asked: list[Dict] = []
    answered: list[Dict] = []
    for message in messages:
        role = message.get("role")
        if answered and role == "user":
            yield asked, answered
            asked, answered = [], []
        (asked if role == "user" or (role == "system" and not answered) else answered).append(message)
    if asked or answered:
        yield asked, answered
