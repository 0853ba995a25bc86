"""`Appender`: messages go behind the log, each id once."""

from __future__ import annotations

from collections.abc import Sequence

from context_compaction.errors import DuplicateMessage
from context_compaction.messages import Message
from context_compaction.planner import Call, Steps
from context_compaction.session.staging import without_known
from context_compaction.session.state import SessionState

FEW = 8
"""So many messages are written before anybody asks whether the log has them: the archive would refuse
them, and nearly always they are new."""


class Appender:
    """Adds messages to a session's log."""

    def __init__(self, state: SessionState) -> None:
        self._state = state

    def append(self, messages: Sequence[Message]) -> Steps[None]:
        """One try. Raises `StaleView` when another writer was faster."""
        state = self._state
        if state.crowded:
            yield Call(state.notice)
        named = any(message.id is not None for message in messages)
        # The archive refuses ids that this branch has, not those that it shares with its ancestors.
        if named and (len(messages) > FEW or state.live.fork_at):
            messages = yield from self._unknown(messages)
        try:
            yield from self._store(messages)
        except DuplicateMessage:
            unknown = yield from self._unknown(messages)
            yield from self._store(unknown)

    def _unknown(self, messages: Sequence[Message]) -> Steps[Sequence[Message]]:
        """Those that the log does not have. Raises `DuplicateMessage` for an id with other content."""
        state = self._state
        return (yield Call(lambda: without_known(state.archive, state.live.branch, messages)))

    def _store(self, messages: Sequence[Message]) -> Steps[None]:
        staged = self._state.live.stage([(message, None) for message in messages])
        # One call, so that a cancelled task leaves no message behind whose pin was not set.
        yield Call(lambda: self._state.store(staged))
