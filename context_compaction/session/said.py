"""What was said: looking it up, pinning it, and the branches that it is kept in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from context_compaction.archive import Archive, Branch
from context_compaction.archive.tombstones import readable
from context_compaction.counting import TokenCounter
from context_compaction.errors import QueryError, StaleView, UnknownReference
from context_compaction.messages import Message, MessageList
from context_compaction.planner.instructions import heard_pins, next_pins
from context_compaction.recall import Bound, Bounds, HitList, recall, recall_over
from context_compaction.session.core import SessionCore
from context_compaction.session.flight import SingleFlight
from context_compaction.session.references import expand, message_seq
from context_compaction.session.scope import Scope, crosses, located
from context_compaction.session.state import SessionState
from context_compaction.view import Pin

T = TypeVar("T")


class Said:
    """The part of a `Session` that reads: nothing here changes what was said."""

    _archive: Archive
    _core: SessionCore
    _flight: SingleFlight

    @property
    def counter(self) -> TokenCounter:
        """What counts its tokens."""
        return self._state.settings.counter

    def recall(
        self,
        query: str,
        k: int = 8,
        *,
        after: Bound | None = None,
        before: Bound | None = None,
        scope: Scope = "session",
    ) -> HitList:
        """Search everything that was said and summarised; best first. The query is text, never syntax.

        ``after``: only what was said behind this message (``"m:57"``), or from this time on
        (``"2026-03-01"``, a date or datetime). ``before``: only before that message or time.
        ``scope="namespace"``: all sessions of this namespace; hits say whose they are, and their references
        are for `expand` with this scope. Raises `QueryError`.
        """
        settings = self._state.settings
        embedding = settings.embedding
        bounds = Bounds.of(after, before)
        if crosses(scope):
            return recall_over(
                self._archive, settings.namespace, query, k, bounds=bounds, embedding=embedding
            )
        return recall(self._archive, self._current(), query, k, bounds=bounds, embedding=embedding)

    async def arecall(
        self,
        query: str,
        k: int = 8,
        *,
        after: Bound | None = None,
        before: Bound | None = None,
        scope: Scope = "session",
    ) -> HitList:
        """`recall` in a worker thread."""
        return await in_thread(self.recall, query, k, after=after, before=before, scope=scope)

    def recall_for(self, question: str) -> Message | None:
        """The recalled block for a question that is not stored yet; None if nothing is worth its tokens.

        What `context` shows before the newest user message, by the policy's ``recall_share``: for callers
        that ask for the context before they append the question. Raises `QueryError` for what is no text.
        """
        if not isinstance(question, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
            raise QueryError(f"a question is text, not {type(question).__name__}")
        with self._flight.hold():
            self._state.recover()
            return self._core.recaller.block_for(question)

    async def arecall_for(self, question: str) -> Message | None:
        """`recall_for` in a worker thread."""
        return await in_thread(self.recall_for, question)

    def expand(self, ref: str, *, scope: Scope = "session") -> MessageList:
        """The originals behind ``m:57``, ``m:3-m:9`` or ``s:2``. Raises `UnknownReference`.

        ``scope="namespace"``: behind ``m:57@session``, of any session of this namespace. Where messages were
        pruned, one system message says which.
        """
        branch, ref = self._located(ref, scope)
        return expand(self._archive, branch, ref, self._archive.tip(branch).last_seq)

    async def aexpand(self, ref: str, *, scope: Scope = "session") -> MessageList:
        """`expand` in a worker thread."""
        return await in_thread(self.expand, ref, scope=scope)

    def history(self, branch: int | None = None) -> MessageList:
        """Every message ever appended, in order, equal to what it was; of another of `branches` by its id.

        Where messages were pruned, one system message says which. Raises `UnknownReference`.
        """
        return readable(self._archive.messages(self._known(branch)))

    def pin(self, ref: str, text: str | None = None) -> None:
        """Keep a message word for word from the next compaction on; ``text``: only this part of it.

        Raises `UnknownReference`, or `ValueError` when ``text`` is not in the message.
        """
        with self._flight.hold():
            self._state.catch_up()  # another one may have let go of a pin that was known here
            seq = message_seq(ref, self._state.live.last_seq)
            [row] = self._archive.messages(self._state.live.branch, [(seq, seq)])
            if row.pruned:
                raise UnknownReference(ref, "the message was pruned")
            whole = Pin.of(seq, row.message)
            if text is not None and text not in whole.text:
                raise ValueError(f"m:{seq} does not contain {text!r}; a pin is word for word")
            self._state.add_pin(whole if text is None else Pin(whole.ref, text))

    def unpin(self, ref: str) -> None:
        """Let go of every pin on a message, from the next compaction on; none of it pins itself again."""
        with self._flight.hold():
            self._state.notice()
            self._state.remove_pins(message_seq(ref, self._state.live.last_seq))

    @property
    def pins(self) -> tuple[Pin, ...]:
        """As they stand now, whoever set them; not those that set themselves (`instructions`)."""
        return self._archive.state(self._current()).pins

    @property
    def instructions(self) -> tuple[Pin, ...]:
        """The standing instructions that pin themselves, as a compaction would keep them now, oldest first.

        Sentences of user messages such as "always answer in English" (`StandingInstructions`): each stays
        word for word once its message has left the view. `unpin` lets go of those of a message.
        """
        with self._flight.hold():
            self._state.catch_up()
            return tuple(heard_pins(next_pins(self._core.manual_task())))

    def branches(self) -> list[Branch]:
        """All lines of this session's history, oldest first; the active one is what it goes on with."""
        return self._archive.branches(self._current())

    @property
    def _state(self) -> SessionState:
        return self._core.state

    def _current(self) -> int:
        """The branch that the session is on now, whoever chose it."""
        try:
            followed = self._archive.tip(self._state.live.branch).active
        except StaleView:
            followed = False
        if not followed:
            with self._flight.hold():
                self._state.recover()
        return self._state.live.branch

    def _located(self, ref: str, scope: Scope) -> tuple[int, str]:
        """The branch that a reference is of, and the reference there."""
        if crosses(scope) and "@" in str(ref):
            return located(self._archive, self._state.settings.namespace, ref)
        return self._current(), ref

    def _known(self, branch: int | None) -> int:
        if branch is None:
            return self._current()
        if branch not in [found.id for found in self.branches()]:
            raise UnknownReference(str(branch)[:80], "this session has no branch of this id")
        return branch

    def _place(self, at: int | str) -> int:
        """The number behind which to fork."""
        with self._flight.hold():
            self._state.notice()
            last = self._state.live.last_seq
        if isinstance(at, int) and 0 <= at <= last:
            return at
        return message_seq(f"m:{at}" if isinstance(at, int) else at, last)


async def in_thread(call: Callable[..., T], *arguments: Any, **options: Any) -> T:
    """What a call returns that runs in a worker thread."""
    import asyncio

    return await asyncio.to_thread(call, *arguments, **options)
