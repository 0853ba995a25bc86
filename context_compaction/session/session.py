"""`Session`: one conversation, kept inside a budget, with nothing lost."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from context_compaction.archive import Archive, open_archive
from context_compaction.budget import Budget
from context_compaction.counting import TokenCounter, Usage
from context_compaction.drafting import DrafterChain, DrafterLike
from context_compaction.errors import InvalidPolicy
from context_compaction.events import CompactionEvent
from context_compaction.messages import Message
from context_compaction.planner import Steps, adrive, drive
from context_compaction.policy import Policy
from context_compaction.recall import SearchHit, recall
from context_compaction.render import RenderOptions
from context_compaction.session.core import SessionCore
from context_compaction.session.flight import SingleFlight
from context_compaction.session.livelog import MessageLike
from context_compaction.session.observers import ObserverLike
from context_compaction.session.references import expand, message_seq
from context_compaction.session.settings import POST_TURN_DEADLINE, PRE_TURN_DEADLINE, Settings
from context_compaction.session.state import SessionState
from context_compaction.session.stats import SessionStats
from context_compaction.tools import ToolRules
from context_compaction.view import Pin, View

T = TypeVar("T")


class Session:
    """One conversation. Append what is said, ask for the `context` before each model call.

        with Session("chat.db", session_id="s1", budget=Budget(context_window=8192)) as session:
            session.append([{"role": "user", "content": "hello"}])
            messages = session.context()      # fits the budget, or CannotCompact is raised
            session.append([answer])
            session.after_turn()              # gets ahead of the next turn

    Safe to use from threads and event-loop tasks: one operation runs at a time.
    """

    def __init__(
        self,
        archive: str | os.PathLike[str] | Archive = ":memory:",
        session_id: str = "default",
        namespace: str = "default",
        *,
        budget: Budget,
        policy: Policy | None = None,
        drafter: DrafterLike = None,
        counter: TokenCounter | Callable[[str], int] | str | None = None,
        post_turn: Literal["inline", "background"] = "inline",
        observers: Iterable[ObserverLike] = (),
        is_pinned: Callable[[Message], bool] | None = None,
        tools: ToolRules | None = None,
        recall_hint: bool = False,
    ) -> None:
        """Open or begin the session ``session_id`` of ``namespace`` in ``archive``.

        ``archive``: a path, ``":memory:"`` or an `Archive` (which then stays yours to close).
        ``is_pinned``: messages that stay word for word. ``recall_hint``: tell the model of a recall tool.
        Raises `ArchiveError` and `InvalidPolicy`.
        """
        if post_turn not in ("inline", "background"):
            raise InvalidPolicy(f"post_turn is {post_turn!r}; use 'inline' or 'background'")
        counting = TokenCounter.of(counter)
        settings = Settings(
            session_id=session_id,
            namespace=namespace,
            budget=budget,
            policy=policy or Policy.layered(),
            counter=counting,
            chain=DrafterChain.of(drafter, counting),
            background=post_turn == "background",
            observers=tuple(observers),
            is_pinned=is_pinned,
            tools=tools or ToolRules(),
            options=RenderOptions(recall_hint=recall_hint),
        )
        self._owns_archive = not isinstance(archive, Archive)
        self._archive = open_archive(archive)
        self._flight = SingleFlight()
        self._core = SessionCore(SessionState(self._archive, settings))
        self._closed = False

    # -- a turn ----------------------------------------------------------------------------------------

    def append(self, messages: Sequence[MessageLike] | MessageLike) -> None:
        """Add messages to the log; durable on return, all or none.

        The same id with equal content is stored once. Raises `InvalidMessage`, `DuplicateMessage`.
        """
        self._run(self._core.append(_listed(messages)))

    async def aappend(self, messages: Sequence[MessageLike] | MessageLike) -> None:
        """`append` on the running event loop."""
        await self._arun(self._core.append(_listed(messages)))

    def context(
        self, overhead: int | None = None, context_management: Sequence[Mapping[str, Any]] | None = None
    ) -> list[Message]:
        """Pre-turn: the messages to send now, inside the budget. The same list until something is appended.

        ``overhead``: tokens of this request that are not in the log, in place of the budget's.
        ``context_management``: ``[{"type": "compaction", "compact_threshold": n}]`` as providers take it.
        Raises `CannotCompact`, with the itemised floor, when what must stay does not fit.
        """
        return self._run(self._core.context(overhead, context_management))

    async def acontext(
        self, overhead: int | None = None, context_management: Sequence[Mapping[str, Any]] | None = None
    ) -> list[Message]:
        """`context` on the running event loop."""
        return await self._arun(self._core.context(overhead, context_management))

    def after_turn(self, usage: Usage | Mapping[str, Any] | None = None) -> CompactionEvent | None:
        """Post-turn: compact ahead of the next turn; what fails here never fails a turn.

        ``usage``: what the provider reported for the last context; calibrates the count.
        Returns the attempt's event, None when there was none or it goes on in the background.
        """
        return self._run(self._core.after_turn(usage), POST_TURN_DEADLINE)

    async def aafter_turn(self, usage: Usage | Mapping[str, Any] | None = None) -> CompactionEvent | None:
        """`after_turn` on the running event loop."""
        return await self._arun(self._core.after_turn(usage), POST_TURN_DEADLINE)

    def compact(self, focus: str | None = None) -> CompactionEvent:
        """Compact by hand: the post-turn ladder now. ``focus``: what the summary must keep above all."""
        return self._run(self._core.compact(focus), POST_TURN_DEADLINE)

    async def acompact(self, focus: str | None = None) -> CompactionEvent:
        """`compact` on the running event loop."""
        return await self._arun(self._core.compact(focus), POST_TURN_DEADLINE)

    def preview(self) -> CompactionEvent:
        """The event that `compact` would give. Nothing is committed."""
        return self._run(self._core.preview(), POST_TURN_DEADLINE)

    # -- what was said ---------------------------------------------------------------------------------

    def recall(self, query: str, k: int = 8) -> list[SearchHit]:
        """Search everything that was said and summarised; best first. The query is text, never syntax."""
        return recall(self._archive, self._branch, query, k)

    async def arecall(self, query: str, k: int = 8) -> list[SearchHit]:
        """`recall` in a worker thread."""
        return await _in_thread(self.recall, query, k)

    def expand(self, ref: str) -> list[Message]:
        """The originals behind ``m:57``, ``m:3-m:9`` or ``s:2``. Raises `UnknownReference`."""
        return expand(self._archive, self._branch, ref, self._archive.tip(self._branch)[0])

    async def aexpand(self, ref: str) -> list[Message]:
        """`expand` in a worker thread."""
        return await _in_thread(self.expand, ref)

    def history(self) -> list[Message]:
        """Every message ever appended, in order, equal to what it was."""
        return [row.message for row in self._archive.messages(self._branch)]

    def pin(self, ref: str, text: str | None = None) -> None:
        """Keep a message word for word from the next compaction on; ``text``: only this part of it.

        Raises `UnknownReference`, or `ValueError` when ``text`` is not in the message.
        """
        with self._flight.hold():
            self._state.notice()
            seq = message_seq(ref, self._state.live.last_seq)
            whole = Pin.of(seq, self._archive.messages(self._branch, [(seq, seq)])[0].message)
            if text is not None and text not in whole.text:
                raise ValueError(f"m:{seq} does not contain {text!r}; a pin is word for word")
            self._state.add_pin(whole if text is None else Pin(whole.ref, text))

    def unpin(self, ref: str) -> None:
        """Let go of every pin on a message, from the next compaction on."""
        with self._flight.hold():
            self._state.notice()
            seq = message_seq(ref, self._state.live.last_seq)
            self._state.remove_pins(f"m:{seq}")

    @property
    def pins(self) -> tuple[Pin, ...]:
        """As they stand now."""
        return self._state.pins

    @property
    def view(self) -> View:
        """The present view."""
        return self._state.live.view

    @property
    def events(self) -> list[CompactionEvent]:
        """Every attempted compaction of this session, oldest first."""
        return self._archive.events(self._branch)

    @property
    def stats(self) -> SessionStats:
        """The session in numbers."""
        state, committed = self._state, [event for event in self.events if event.committed]
        messages, tokens = self._archive.totals(self._branch)
        budget = state.settings.budget
        return SessionStats(
            messages_said=messages,
            tokens_said=tokens,
            messages_seen=len(state.live.renderer.messages),
            tokens_seen=state.scaled(state.live.renderer.tokens, budget.overhead_tokens),
            input_tokens=budget.input_tokens,
            tokens_saved=sum(event.tokens_saved for event in committed),
            compactions=len(committed),
            summaries=len(state.live.view.summaries),
            version=state.live.view.version,
            counter=state.settings.counter.name,
        )

    # -- end -------------------------------------------------------------------------------------------

    def drain(self, timeout: float = PRE_TURN_DEADLINE) -> None:
        """Wait up to ``timeout`` seconds for a background compaction and commit it, else cancel it."""
        self._run(self._core.ahead.use(wait=timeout))

    def close(self) -> None:
        """Commit a background compaction that is finished, cancel one that is not. Closing twice is fine."""
        with self._flight.hold():
            self._end()

    def _end(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            drive(self._core.ahead.use(), self._state.settings.chain.starter(PRE_TURN_DEADLINE))
        finally:
            self._core.ahead.drop()
            if self._owns_archive:
                self._archive.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async with self._flight.ahold():
            self._end()

    # -- driving ---------------------------------------------------------------------------------------

    @property
    def _state(self) -> SessionState:
        return self._core.state

    @property
    def _branch(self) -> int:
        return self._state.live.branch

    def _run(self, steps: Steps[T], deadline: float = PRE_TURN_DEADLINE) -> T:
        with self._flight.hold():
            return drive(steps, self._state.settings.chain.starter(deadline))

    async def _arun(self, steps: Steps[T], deadline: float = PRE_TURN_DEADLINE) -> T:
        async with self._flight.ahold():
            return await adrive(steps, self._state.settings.chain.starter(deadline))


def _listed(messages: Sequence[MessageLike] | MessageLike) -> Sequence[MessageLike]:
    return [messages] if isinstance(messages, (Message, Mapping)) else messages


async def _in_thread(call: Callable[..., T], *arguments: Any) -> T:
    import asyncio

    return await asyncio.to_thread(call, *arguments)
