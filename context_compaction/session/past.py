"""The context of a session of which all is past, also what the engine takes for the present turn."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from context_compaction.budget import Budget
from context_compaction.counting import TokenCounter
from context_compaction.errors import CannotCompact
from context_compaction.messages import Message, TextBlock
from context_compaction.planner.stateless import cut_to_fit
from context_compaction.policy import Policy
from context_compaction.session.session import Session

Edits = Sequence[Mapping[str, Any]] | None
_NEXT = Message(role="user", blocks=(TextBlock(""),))
"""Stands for what the user says next."""
_SHARE = 4
"""A message of the newest turn is shortened to this part of the budget, a quarter."""
_LEFT_OUT = "\n[... {} characters left out ...]\n"
_POLICY = Policy.truncating(target=0.8)


@dataclass(frozen=True, slots=True)
class _Cut:
    """A context that no view shows, and what it was made of."""

    shown: tuple[Message, ...]
    places: tuple[int | None, ...]
    """For each of them its place in the history; None for what is ours."""
    length: int
    """Of the history."""

    def as_said(self, messages: Sequence[Message], history: Sequence[Message]) -> list[Message]:
        """A list that begins with it, or has some of it, with what was cut and what was left out between."""
        pairs = zip(map(_said, messages), map(_said, self.shown), strict=False)
        same = next((count for count, (one, other) in enumerate(pairs) if one != other), None)
        same = min(len(messages), len(self.shown)) if same is None else same
        originals = {
            _said(shown): None if place is None else history[place]
            for shown, place in zip(self.shown, self.places, strict=True)
        }
        rest = [originals.get(_said(message), message) for message in messages[same:]]
        begun = history[: self._reached(same)]
        return [*begun, *(message for message in rest if message is not None)]

    def _reached(self, same: int) -> int:
        """How much of the history a list shares that has the first ``same`` of what was shown.

        What is left out behind them is shared if our own message, which stands for it, is among them.
        """
        if same == len(self.shown):
            return self.length
        before, behind = self.places[:same], [place for place in self.places[same:] if place is not None]
        if None in before and behind:
            return behind[0]
        return max((place + 1 for place in before if place is not None), default=0)


class PastContexts:
    """`past_context` for a caller that gives the list back: what was shortened in it is known again."""

    def __init__(self) -> None:
        self._cut: _Cut | None = None
        self._branch = 0

    def context(
        self, session: Session, overhead: int | None = None, context_management: Edits = None
    ) -> list[Message]:
        """`past_context`."""
        try:
            return session.context(overhead, context_management)
        except CannotCompact:
            return self._shortened(session, overhead)

    async def acontext(
        self, session: Session, overhead: int | None = None, context_management: Edits = None
    ) -> list[Message]:
        """`context` on the running event loop."""
        try:
            return await session.acontext(overhead, context_management)
        except CannotCompact:
            return await asyncio.to_thread(self._shortened, session, overhead)

    def as_said(self, session: Session, messages: Sequence[Message]) -> list[Message]:
        """A list for `Session.sync`: the last shortened context in it is what it was made of."""
        if self._cut is None or self._branch != _branch(session):
            return list(messages)
        history = session.history()
        return list(messages) if len(history) < self._cut.length else self._cut.as_said(messages, history)

    def _shortened(self, session: Session, overhead: int | None) -> list[Message]:
        self._branch, self._cut = _branch(session), _cut(session, overhead)
        return list(self._cut.shown)


def past_context(
    session: Session, overhead: int | None = None, context_management: Edits = None
) -> list[Message]:
    """`Session.context`, for a memory that is asked before the user's next message is in the log.

    Where the newest turn alone is over the budget, it is shown with head and tail: the engine never shortens
    the newest answer, since a turn must not go on from half of it, but here none goes on. Raises
    `CannotCompact` when the limit is too small even for that.
    """
    return PastContexts().context(session, overhead, context_management)


async def apast_context(
    session: Session, overhead: int | None = None, context_management: Edits = None
) -> list[Message]:
    """`past_context` on the running event loop."""
    return await PastContexts().acontext(session, overhead, context_management)


def _cut(session: Session, overhead: int | None) -> _Cut:
    budget = session.budget if overhead is None else session.budget.with_overhead(overhead)
    known = session.summaries
    summaries = "\n\n".join(known[number].text for number in session.view.summaries)
    head = [Message(role="system", blocks=(TextBlock(summaries),))] if summaries else []
    history = session.history()
    said = [*head, *_shortened(history, budget, session.counter), _NEXT]
    cut = cut_to_fit(said, budget, _POLICY, session.counter)
    places = [None if seq is None or seq <= len(head) else seq - len(head) - 1 for seq in cut.seqs]
    return _Cut(tuple(cut.messages[:-1]), tuple(places[:-1]), len(history))


def _branch(session: Session) -> int:
    return next(branch.id for branch in session.branches() if branch.active)


def _said(message: Message) -> Hashable:
    return message.role, message.name, message.blocks


def _shortened(said: Sequence[Message], budget: Budget, counter: TokenCounter) -> list[Message]:
    users = [place for place, message in enumerate(said) if message.role == "user"]
    start = users[-1] if users else 0
    room = max(1, budget.input_tokens // _SHARE)
    return [*said[:start], *(_clipped(message, room, counter) for message in said[start:])]


def _clipped(message: Message, room: int, counter: TokenCounter) -> Message:
    """Its texts cut in the middle, by as much as it is over the room. Calls and results stay."""
    tokens = counter.message(message)
    if tokens <= room:
        return message
    return message.with_blocks(tuple(_halved(block, room / tokens) for block in message.blocks))


def _halved(block: Any, share: float) -> Any:
    if not isinstance(block, TextBlock):
        return block
    side = int(len(block.text) * share / 2)
    left_out = len(block.text) - 2 * side
    return TextBlock(block.text[:side] + _LEFT_OUT.format(left_out) + block.text[len(block.text) - side :])
