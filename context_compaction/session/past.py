"""The context of a session of which all is past, also what the engine takes for the present turn."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from context_compaction.budget import Budget
from context_compaction.counting import TokenCounter
from context_compaction.errors import CannotCompact
from context_compaction.messages import Message, TextBlock
from context_compaction.planner.stateless import compact
from context_compaction.policy import Policy
from context_compaction.session.session import Session

Edits = Sequence[Mapping[str, Any]] | None
_NEXT = Message(role="user", blocks=(TextBlock(""),))
"""Stands for what the user says next."""
_SHARE = 4
"""A message of the newest turn is shortened to this part of the budget, a quarter."""
_LEFT_OUT = "\n[... {} characters left out ...]\n"
_POLICY = Policy.truncating(target=0.8)


def past_context(
    session: Session, overhead: int | None = None, context_management: Edits = None
) -> list[Message]:
    """`Session.context`, for a memory that is asked before the user's next message is in the log.

    Where the newest turn alone is over the budget, it is shown with head and tail: the engine never shortens
    the newest answer, since a turn must not go on from half of it, but here none goes on. Raises
    `CannotCompact` when the limit is too small even for that.
    """
    try:
        return session.context(overhead, context_management)
    except CannotCompact:
        return _cut(session, overhead)


async def apast_context(
    session: Session, overhead: int | None = None, context_management: Edits = None
) -> list[Message]:
    """`past_context` on the running event loop."""
    try:
        return await session.acontext(overhead, context_management)
    except CannotCompact:
        return await asyncio.to_thread(_cut, session, overhead)


def _cut(session: Session, overhead: int | None) -> list[Message]:
    budget = session.budget if overhead is None else session.budget.with_overhead(overhead)
    known = session.summaries
    summaries = "\n\n".join(known[number].text for number in session.view.summaries)
    head = [Message(role="system", blocks=(TextBlock(summaries),))] if summaries else []
    said = [*head, *_shortened(session.history(), budget, session.counter), _NEXT]
    shown, _ = compact(said, budget=budget, policy=_POLICY, counter=session.counter)
    return shown[:-1]


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
