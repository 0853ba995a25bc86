"""What a memory shows of a session: all of it is past, also what the engine takes for the present turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from context_compaction import (
    Budget,
    CannotCompact,
    Message,
    Policy,
    Session,
    TextBlock,
    TokenCounter,
    compact,
)

_NEXT = Message(role="user", blocks=(TextBlock(""),))
"""Stands for what the user says next."""
_SHARE = 4
"""A message of the newest turn is shortened to this part of the budget, a quarter."""
_LEFT_OUT = "\n[... {} characters left out ...]\n"
_POLICY = Policy.truncating(target=0.8)


def fitting(
    session: Session, summary: Callable[[], str], budget: Budget, counter: TokenCounter
) -> list[Message]:
    """The session's context. Where the newest turn alone is over the budget, it is shown with head and tail.

    The engine never shortens the newest answer: a turn must not go on from half of it. Here none goes on.
    ``summary`` gives the text that then stands for what has left. Raises `CannotCompact` when the limit is
    too small even for that.
    """
    try:
        return session.context()
    except CannotCompact:
        said = [*_head(summary()), *_shortened(session.history(), budget, counter), _NEXT]
        shown, _ = compact(said, budget=budget, policy=_POLICY, counter=counter)
        return shown[:-1]


def _head(summary: str) -> list[Message]:
    return [Message(role="system", blocks=(TextBlock(summary),))] if summary else []


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
    return message.with_blocks(tuple(_cut(block, room / tokens) for block in message.blocks))


def _cut(block: Any, share: float) -> Any:
    if not isinstance(block, TextBlock):
        return block
    side = int(len(block.text) * share / 2)
    left_out = len(block.text) - 2 * side
    return TextBlock(block.text[:side] + _LEFT_OUT.format(left_out) + block.text[len(block.text) - side :])
