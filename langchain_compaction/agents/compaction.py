"""`Compaction`: an agent's sessions, and what its model is to be shown. Each way into an agent has one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypedDict

from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig

from context_compaction import (
    ArchiveError,
    Budget,
    CompactionError,
    InvalidPolicy,
    Message,
    Policy,
    Session,
    open_archive,
)
from langchain_compaction.agents.calls import ModelCall, Sent, known_window, window_of
from langchain_compaction.agents.following import Known, afollow, follow
from langchain_compaction.agents.places import Namespace, Place, node_of, place_of
from langchain_compaction.agents.policies import policy_of
from langchain_compaction.agents.telling import Teller
from langchain_compaction.agents.threads import Threads
from langchain_compaction.agents.told import told
from langchain_compaction.counting import CounterLike, counter_of
from langchain_compaction.drafting import drafter_of
from langchain_compaction.messages import read_all
from langchain_compaction.post_turn import aafter_turn, after_turn
from langchain_compaction.sessions import ArchiveLike, context_management_of, session_id_of
from langchain_compaction.turns import aheld

logger = logging.getLogger(__name__)
_NO_ARCHIVE = "the archive cannot be used: the run goes on from the agent's state, in memory"
_NOT_YET = "the last answer is not in the archive yet"


class Options(TypedDict, total=False):
    """What can be said of a compaction, however it gets into an agent: see `CompactionMiddleware`."""

    max_input_tokens: int | None
    reserve_tokens: int | None
    trigger: Any
    keep: Any
    token_counter: CounterLike
    drafter: Any
    archive: ArchiveLike | None
    namespace: Namespace
    policy: Policy | None
    mode: Literal["view", "replace"]
    post_turn: Literal["inline", "background"]
    observers: Iterable[Any]
    is_pinned: Callable[[Message], bool] | None
    redactor: Callable[[str], str] | None
    embedder: Any


class Compaction:
    """Sessions that follow an agent's messages. Safe to use from threads and event loops."""

    def __init__(
        self,
        model: str | BaseChatModel | None,
        *,
        recall_hint: bool,
        max_input_tokens: int | None = None,
        reserve_tokens: int | None = None,
        trigger: Any = None,
        keep: Any = None,
        token_counter: CounterLike = None,
        drafter: Any = None,
        archive: ArchiveLike | None = None,
        namespace: Namespace = "default",
        policy: Policy | None = None,
        mode: Literal["view", "replace"] = "view",
        post_turn: Literal["inline", "background"] = "inline",
        observers: Iterable[Any] = (),
        is_pinned: Callable[[Message], bool] | None = None,
        redactor: Callable[[str], str] | None = None,
        embedder: Any = None,
    ) -> None:
        if mode not in ("view", "replace"):
            raise InvalidPolicy(f"mode is {mode!r}; use 'view' or 'replace'")
        if mode == "replace" and archive is None:
            raise InvalidPolicy(
                "mode='replace' takes messages out of the state: name the archive that keeps them, such as "
                "archive='agent.db'; ':memory:' is one that goes with the process"
            )
        chat = init_chat_model(model) if isinstance(model, str) else model
        self.counter = counter_of(token_counter)
        self.replaces = mode == "replace"
        self._background = post_turn == "background"
        self._window = max_input_tokens
        self._reserve = reserve_tokens
        self._model = chat
        self._namespace = namespace
        options = {
            "policy": policy_of(policy, trigger, keep),
            "drafter": drafter_of(chat if drafter is None else drafter),
            "counter": self.counter,
            "post_turn": post_turn,
            "observers": (Teller(), *observers),
            "is_pinned": is_pinned,
            "redactor": redactor,
            "embedder": embedder,
            "recall_hint": recall_hint,
        }
        self._archive = open_archive(":memory:" if archive is None else archive)
        self._owns_archive = self._archive is not archive
        self._threads = Threads(self._archive, reserve_tokens, options)

    # -- one model call --------------------------------------------------------------------------------

    def call(
        self,
        config: RunnableConfig,
        state: Mapping[str, Any],
        messages: Sequence[BaseMessage],
        *,
        model: object = None,
        overhead: int = 0,
        key: str = "messages",
    ) -> ModelCall:
        """A model call that is to be made with these ``messages``, while the state has those under ``key``.

        ``overhead``: tokens that the request carries beside them. Raises `MissingWindow`, `InvalidBudget`.
        """
        place = place_of(config, state, self._namespace)
        window = window_of(self._window, model, self._model)
        try:
            session = self._threads.get(place, window)
        except ArchiveError:
            logger.warning(_NO_ARCHIVE, exc_info=True)
            session = self._threads.aside(place, window)
        known = self._threads.known(session)
        parts = told(state[key], messages)
        overhead += sum(map(self.counter.message, read_all(parts.extra)))
        return ModelCall(
            state[key],
            place,
            node_of(config),
            session,
            known,
            parts,
            known.reader.read(parts.said),
            Budget(window, self._reserve, overhead),
            context_management_of(config),
        )

    def fit(self, call: ModelCall, overhead: int) -> Sent:
        """What to send, in a budget with this overhead. Raises `CannotCompact`."""
        try:
            return self._context(call, call.session, call.known, overhead)
        except ArchiveError:
            logger.warning(_NO_ARCHIVE, exc_info=True)
            aside = self._threads.aside(call.place, call.budget.context_window)
            return self._context(call, aside, self._threads.known(aside), overhead)

    async def afit(self, call: ModelCall, overhead: int) -> Sent:
        """`fit` on the running event loop."""
        try:
            return await self._acontext(call, call.session, call.known, overhead)
        except ArchiveError:
            logger.warning(_NO_ARCHIVE, exc_info=True)
            aside = await asyncio.to_thread(self._threads.aside, call.place, call.budget.context_window)
            return await self._acontext(call, aside, self._threads.known(aside), overhead)

    def _context(self, call: ModelCall, session: Session, known: Known, overhead: int) -> Sent:
        usage, known.overhead = known.reported(call.state), overhead
        with known.turn:
            follow(session, known, call.said)
            after_turn(session, usage, overhead)
            shown = session.shown(overhead, call.context_management)
        return Sent(shown, archived=session.archive is self._archive)

    async def _acontext(self, call: ModelCall, session: Session, known: Known, overhead: int) -> Sent:
        usage, known.overhead = known.reported(call.state), overhead
        async with aheld(known.turn):
            await afollow(session, known, call.said)
            await aafter_turn(session, usage, overhead)
            shown = await session.ashown(overhead, call.context_management)
        return Sent(shown, archived=session.archive is self._archive)

    # -- a run's session -------------------------------------------------------------------------------

    def ended(self, config: RunnableConfig, state: Mapping[str, Any]) -> None:
        """The run is over: its last answer goes to the archive. A failure is logged.

        Where nobody waits for a compaction the session gets ahead of the next run; where somebody would, it
        is made when that has begun: it then knows what is asked, and changes once what was sent.
        """
        place, messages = self.place(config, state), state["messages"]
        session = self._threads.last(place)
        if session is not None and place.is_thread:
            known = self._threads.known(session)
            try:
                usage = known.reported(messages)
                with known.turn:
                    follow(session, known, known.reader.read(messages))
                    if self._background and place.goes_on:
                        after_turn(session, usage, known.overhead)
            except CompactionError:  # the turn is over: it does not fail for this
                logger.warning(_NOT_YET, exc_info=True)
        self._threads.end(place.aside)

    async def aended(self, config: RunnableConfig, state: Mapping[str, Any]) -> None:
        """`ended` on the running event loop."""
        place, messages = await asyncio.to_thread(self.place, config, state), state["messages"]
        session = self._threads.last(place)
        if session is not None and place.is_thread:
            known = self._threads.known(session)
            try:
                usage = known.reported(messages)
                async with aheld(known.turn):
                    await afollow(session, known, await asyncio.to_thread(known.reader.read, messages))
                    if self._background and place.goes_on:
                        await aafter_turn(session, usage, known.overhead)
            except CompactionError:
                logger.warning(_NOT_YET, exc_info=True)
        await asyncio.to_thread(self._threads.end, place.aside)

    def place(self, config: RunnableConfig, state: Mapping[str, Any]) -> Place:
        """Where this run's messages are kept."""
        return place_of(config, state, self._namespace)

    def session(self, config: RunnableConfig) -> Session:
        """The session of a thread. Raises `MissingSessionId`."""
        session_id_of(config)
        return self.reading(config, {})

    def reading(self, config: RunnableConfig, state: Mapping[str, Any]) -> Session:
        """The session that a tool's run belongs to. Raises `ArchiveError`."""
        window = known_window(self._window, self._model)
        return self._threads.reading(self.place(config, state), window)

    def close(self) -> None:
        """Close all sessions, and the archive if it was opened here."""
        self._threads.close()
        if self._owns_archive:
            self._archive.close()
