"""`CompactionMiddleware`: what an agent's model sees stays inside its window, and the state as it is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Annotated, Any, Literal, NotRequired, cast

from langchain.agents.middleware import AgentMiddleware, AgentState, ExtendedModelResponse, ModelRequest
from langchain.agents.middleware.types import ModelResponse, PrivateStateAttr
from langchain.chat_models import init_chat_model
from langchain_core.exceptions import ContextOverflowError
from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableConfig, ensure_config
from langgraph.runtime import Runtime
from langgraph.types import Command

from context_compaction import ArchiveError, Budget, CompactionError, InvalidPolicy, Message, Policy, Session
from langchain_compaction.agents.calls import ModelCall, alone, size_of, window_of
from langchain_compaction.agents.carried import Carried
from langchain_compaction.agents.following import afollow, follow
from langchain_compaction.agents.places import RUN, Namespace, node_of, place_of
from langchain_compaction.agents.policies import policy_of
from langchain_compaction.agents.recall_tool import create_recall_tool
from langchain_compaction.agents.threads import Threads
from langchain_compaction.agents.told import told
from langchain_compaction.counting import CounterLike, counter_of
from langchain_compaction.drafting import drafter_of
from langchain_compaction.messages import read_all
from langchain_compaction.post_turn import aafter_turn, after_turn, usage_of
from langchain_compaction.sessions import ArchiveLike, archive_of, context_management_of, session_id_of
from langchain_compaction.turns import aturn_of, turn_of

logger = logging.getLogger(__name__)
Answer = ModelResponse[Any]
Result = Answer | ExtendedModelResponse[Any]
_NO_ARCHIVE = "the archive cannot be used: the run goes on from the agent's state, in memory"


class CompactionState(AgentState[Any]):
    """An agent's state, with what is needed to know a run again that has no thread."""

    compaction_run: NotRequired[Annotated[str, PrivateStateAttr]]


class CompactionMiddleware(AgentMiddleware[Any, Any, Any]):
    """Keeps what an agent's model sees inside its window, and what was said in an archive.

        agent = create_agent(model, tools, middleware=[CompactionMiddleware(model)], checkpointer=saver)

    The state keeps every message: before each model call the session that the run's config names
    (``thread_id``, or ``session_id``) follows it, and the session's context is sent in its place. After the
    answer the session compacts ahead of the next call. Edited checkpoints and time travel become branches of
    the session. A run without a thread is kept in memory for as long as it lasts.

    While an archive fails, a run goes on from the agent's state, compacted in memory. Raises in a run:
    `MissingWindow`, `TwoCompactions`; `CannotCompact` when what must stay does not fit.
    """

    state_schema = CompactionState

    def __init__(
        self,
        model: str | BaseChatModel | None = None,
        *,
        max_input_tokens: int | None = None,
        reserve_tokens: int | None = None,
        trigger: Any = None,
        keep: Any = None,
        token_counter: CounterLike = None,
        drafter: Any = None,
        archive: ArchiveLike = ":memory:",
        namespace: Namespace = "default",
        policy: Policy | None = None,
        mode: Literal["view"] = "view",
        recall_tool: bool = True,
        post_turn: Literal["inline", "background"] = "inline",
        observers: Iterable[Any] = (),
        is_pinned: Callable[[Message], bool] | None = None,
        redactor: Callable[[str], str] | None = None,
        embedder: Any = None,
    ) -> None:
        """``model``: writes the summaries, unless ``drafter`` does; without both, sentences are selected.

        ``max_input_tokens``: what the agent's model can read; None asks the profile of the model that is
        called, then that of ``model``. ``reserve_tokens`` of it stay free for the answer (None: an eighth, at
        least 1,024, at most a quarter). System prompt and tool schemas are counted.

        ``trigger``, ``keep``: as in LangChain's SummarizationMiddleware: ``("tokens", n)``, ``("fraction",
        f)``, ``("messages", n)``, a list of triggers any of which fires; None: .85 of what is left for
        messages, and a quarter of the trigger. Or a whole ``policy``; with a ``recall_share``, what left and
        is asked about stands before the newest user message, which is sent to the model and kept nowhere.

        ``archive``: a path, or an archive that is yours to close. ``namespace``: of whom, or a function of
        the run's config that says so. ``recall_tool``: give the agent a tool to look up what left.
        ``mode``: the state is left as it is. ``post_turn``, ``observers``, ``is_pinned``, ``redactor``,
        ``embedder`` (LangChain ``Embeddings``, say): as for a `Session`.
        Raises `InvalidPolicy`, `ArchiveError`.
        """
        super().__init__()
        if mode != "view":
            raise InvalidPolicy(f"mode is {mode!r}; there is 'view'")
        chat = init_chat_model(model) if isinstance(model, str) else model
        counter = counter_of(token_counter)
        self._window = max_input_tokens
        self._reserve = reserve_tokens
        self._model = chat
        self._namespace = namespace

        self._carried = Carried(counter)
        self._counter = counter
        self._archive = archive_of(archive)
        self._owns_archive = self._archive is not archive
        self._threads = Threads(
            self._archive,
            reserve_tokens,
            {
                "policy": policy_of(policy, trigger, keep),
                "drafter": drafter_of(chat if drafter is None else drafter),
                "counter": counter,
                "post_turn": post_turn,
                "observers": tuple(observers),
                "is_pinned": is_pinned,
                "redactor": redactor,
                "embedder": embedder,
                "recall_hint": recall_tool,
            },
        )
        self.tools = [create_recall_tool(self.reading, token_counter=counter)] if recall_tool else []

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Answer]
    ) -> Result:
        """Send the session's context, and compact ahead of the next call once it is answered."""
        call = self._call(request)
        with alone(call.node):
            answer = self._answered(call, handler)
        after_turn(call.session, usage_of(answer.result))
        return _with_run(call, answer)

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[Answer]]
    ) -> Result:
        """`wrap_model_call` on the running event loop."""
        call = await asyncio.to_thread(self._call, request)
        with alone(call.node):
            answer = await self._aanswered(call, handler)
        await aafter_turn(call.session, usage_of(answer.result))
        return _with_run(call, answer)

    def after_agent(self, state: Any, runtime: Runtime[Any]) -> None:  # noqa: ARG002 - LangChain's signature
        """The last answer goes to the archive, too."""
        place = place_of(ensure_config(), state, self._namespace)
        session = self._threads.last(place)
        if session is not None and place.is_thread:
            try:
                known = self._threads.known(session)
                with turn_of(session):
                    follow(session, known, known.reader.read(state["messages"]))
            except CompactionError:  # the turn is over: it does not fail for this
                logger.warning("the last answer is not in the archive yet", exc_info=True)
        self._threads.end(place.aside)

    async def aafter_agent(self, state: Any, runtime: Runtime[Any]) -> None:
        """`after_agent` in a worker thread."""
        await asyncio.to_thread(self.after_agent, state, runtime)

    def session(self, config: RunnableConfig) -> Session:
        """The session of a thread, to search, pin, or go through its branches. Raises `MissingSessionId`."""
        session_id_of(config)
        return self.reading(config, {})

    def reading(self, config: RunnableConfig, state: Mapping[str, Any]) -> Session:
        """The session that a tool's run belongs to. Raises `ArchiveError`."""
        return self._threads.reading(place_of(config, state, self._namespace))

    def close(self) -> None:
        """Close all sessions, and the archive if it was opened here."""
        self._threads.close()
        if self._owns_archive:
            self._archive.close()

    # -- one model call --------------------------------------------------------------------------------

    def _call(self, request: ModelRequest[Any]) -> ModelCall:
        config = ensure_config()
        place = place_of(config, request.state, self._namespace)
        window = window_of(self._window, request.model, self._model)
        try:
            session = self._threads.get(place, window)
        except ArchiveError:
            logger.warning(_NO_ARCHIVE, exc_info=True)
            session = self._threads.aside(place, window)
        known = self._threads.known(session)
        parts = told(request.state["messages"], request.messages)
        overhead = self._carried.tokens(request)
        overhead += sum(map(self._counter.message, read_all(parts.extra)))
        return ModelCall(
            request,
            place,
            node_of(config),
            session,
            known,
            parts,
            known.reader.read(parts.said),
            Budget(window, self._reserve, overhead),
            context_management_of(config),
        )

    def _answered(self, call: ModelCall, handler: Callable[[ModelRequest[Any]], Answer]) -> Answer:
        shown = self._fit(call, call.overhead)
        try:
            return handler(call.showing(shown))
        except ContextOverflowError as error:
            overhead = call.harder(size_of(shown, self._counter), error)
            return handler(call.showing(self._fit(call, overhead)))

    async def _aanswered(
        self, call: ModelCall, handler: Callable[[ModelRequest[Any]], Awaitable[Answer]]
    ) -> Answer:
        shown = await self._afit(call, call.overhead)
        try:
            return await handler(call.showing(shown))
        except ContextOverflowError as error:
            overhead = call.harder(size_of(shown, self._counter), error)
            return await handler(call.showing(await self._afit(call, overhead)))

    def _fit(self, call: ModelCall, overhead: int) -> list[Message]:
        try:
            return self._context(call, call.session, overhead)
        except ArchiveError:
            logger.warning(_NO_ARCHIVE, exc_info=True)
            aside = self._threads.aside(call.place, call.budget.context_window)
            return self._context(call, aside, overhead)

    async def _afit(self, call: ModelCall, overhead: int) -> list[Message]:
        try:
            return await self._acontext(call, call.session, overhead)
        except ArchiveError:
            logger.warning(_NO_ARCHIVE, exc_info=True)
            aside = await asyncio.to_thread(self._threads.aside, call.place, call.budget.context_window)
            return await self._acontext(call, aside, overhead)

    def _context(self, call: ModelCall, session: Session, overhead: int) -> list[Message]:
        with turn_of(session):
            follow(session, self._threads.known(session), call.said)
            return session.context(overhead, call.context_management)

    async def _acontext(self, call: ModelCall, session: Session, overhead: int) -> list[Message]:
        async with aturn_of(session):
            await afollow(session, self._threads.known(session), call.said)
            return await session.acontext(overhead, call.context_management)


def _with_run(call: ModelCall, answer: Answer) -> Result:
    """A run without a thread is told its name, so that it is known at its next model call."""
    if call.place.is_thread or cast("Mapping[str, Any]", call.request.state).get(RUN):
        return answer
    return ExtendedModelResponse(answer, Command(update={RUN: call.place.session_id}))
