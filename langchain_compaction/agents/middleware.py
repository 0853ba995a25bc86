"""`CompactionMiddleware`: what an agent's model sees stays inside its window."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Annotated, Any, Literal, NotRequired, cast

from langchain.agents.middleware import AgentMiddleware, AgentState, ExtendedModelResponse, ModelRequest
from langchain.agents.middleware.types import ModelResponse, PrivateStateAttr
from langchain_core.exceptions import ContextOverflowError
from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableConfig, ensure_config
from langgraph.runtime import Runtime
from langgraph.types import Command

from context_compaction import Message, Policy, Session
from langchain_compaction.agents.calls import Alone, ModelCall, Sent
from langchain_compaction.agents.carried import Carried
from langchain_compaction.agents.compact_tool import create_compact_tool
from langchain_compaction.agents.compaction import Compaction
from langchain_compaction.agents.places import RUN, Namespace
from langchain_compaction.agents.recall_tool import create_recall_tool
from langchain_compaction.agents.telling import Telling, atrace, trace
from langchain_compaction.counting import CounterLike
from langchain_compaction.sessions import ArchiveLike

Answer = ModelResponse[Any]
Result = Answer | ExtendedModelResponse[Any]


class CompactionState(AgentState[Any]):
    """An agent's state, with what is needed to know a run again that has no thread."""

    compaction_run: NotRequired[Annotated[str, PrivateStateAttr]]


class CompactionMiddleware(AgentMiddleware[Any, Any, Any]):
    """Keeps what an agent's model sees inside its window, and what was said in an archive.

        agent = create_agent(model, tools, middleware=[CompactionMiddleware(model)], checkpointer=saver)

    The state keeps every message (``mode="view"``): before each model call the session that the run's config
    names (``thread_id``, or ``session_id``) follows it, compacts if it is over its trigger, and its context
    is sent in the state's place. Edited checkpoints and time travel become branches of the session. A run
    without a thread is kept in memory for as long as it lasts.

    With ``mode="replace"`` the state keeps what the model was shown: with each answer, messages that had left
    the view leave the state by their ids, and what was said is in the archive alone. So name one that lives
    as long as the checkpoints do. Without a thread, or while the archive fails, nothing leaves the state.

    Each compaction is told while it happens: custom events (``stream_mode="custom"``) of the type
    ``context_compaction`` with the phase ``start`` or ``end``, a traced run of that name with the event as
    its metadata, and ``compacted_tokens_saved`` and the applied edits in the answer's ``response_metadata``.

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
        archive: ArchiveLike | None = None,
        namespace: Namespace = "default",
        policy: Policy | None = None,
        mode: Literal["view", "replace"] = "view",
        recall_tool: bool = True,
        compact_tool: bool = False,
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

        ``archive``: a path, or an archive that is yours to close; None: in memory, for ``view`` alone.
        ``namespace``: of whom, or a function of the run's config that says so. ``recall_tool``: give the
        agent a tool to look up what left. ``compact_tool``: and one to ask for a compaction. ``mode``:
        whether the state keeps all (``view``) or what is shown (``replace``). ``post_turn="background"``:
        summaries are drafted while the agent works, and when a run is over; no call waits for one unless it
        would not fit. ``observers``, ``is_pinned``, ``redactor``, ``embedder`` (LangChain ``Embeddings``,
        say): as for a `Session`. Raises `InvalidPolicy`, `ArchiveError`.
        """
        super().__init__()
        self._compaction = Compaction(
            model,
            recall_hint=recall_tool,
            max_input_tokens=max_input_tokens,
            reserve_tokens=reserve_tokens,
            trigger=trigger,
            keep=keep,
            token_counter=token_counter,
            drafter=drafter,
            archive=archive,
            namespace=namespace,
            policy=policy,
            mode=mode,
            post_turn=post_turn,
            observers=observers,
            is_pinned=is_pinned,
            redactor=redactor,
            embedder=embedder,
        )
        self._counter = self._compaction.counter
        self._carried = Carried(self._counter)
        self.tools = []
        if recall_tool:
            self.tools.append(create_recall_tool(self._compaction.reading, token_counter=self._counter))
        if compact_tool:
            self.tools.append(create_compact_tool(self._compaction.reading))

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Answer]
    ) -> Result:
        """Send the session's context, compacted for what came of the last call."""
        call, told = self._call(request), _telling(request.runtime)
        with told, Alone(call.node):
            answer, sent = self._answered(call, request, handler)
        trace(told)
        return self._result(call, request, told.noted(answer), sent)

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[Answer]]
    ) -> Result:
        """`wrap_model_call` on the running event loop."""
        call, told = await asyncio.to_thread(self._call, request), _telling(request.runtime)
        with told, Alone(call.node):
            answer, sent = await self._aanswered(call, request, handler)
        await atrace(told)
        return self._result(call, request, told.noted(answer), sent)

    def after_agent(self, state: Any, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """The last answer goes to the archive, too, and in the background the session gets ahead."""
        told = _telling(runtime)
        with told:
            self._compaction.ended(ensure_config(), state)
        trace(told)
        return told.update(state["messages"])

    async def aafter_agent(self, state: Any, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """`after_agent` on the running event loop."""
        told = _telling(runtime)
        with told:
            await self._compaction.aended(ensure_config(), state)
        await atrace(told)
        return told.update(state["messages"])

    def session(self, config: RunnableConfig) -> Session:
        """The session of a thread, to search, pin, or go through its branches. Raises `MissingSessionId`."""
        return self._compaction.session(config)

    def close(self) -> None:
        """Close all sessions, and the archive if it was opened here."""
        self._compaction.close()

    # -- one model call --------------------------------------------------------------------------------

    def _call(self, request: ModelRequest[Any]) -> ModelCall:
        return self._compaction.call(
            ensure_config(),
            cast("Mapping[str, Any]", request.state),
            request.messages,
            model=request.model,
            overhead=self._carried.tokens(request.system_message, request.tools, request.response_format),
        )

    def _answered(
        self, call: ModelCall, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Answer]
    ) -> tuple[Answer, Sent]:
        sent = self._compaction.fit(call, call.overhead)
        try:
            return handler(_sending(request, call, sent)), sent
        except ContextOverflowError as error:
            overhead = call.harder(self._counter.messages(sent.messages), error)
            sent = self._compaction.fit(call, overhead)
            return handler(_sending(request, call, sent)), sent

    async def _aanswered(
        self,
        call: ModelCall,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[Answer]],
    ) -> tuple[Answer, Sent]:
        sent = await self._compaction.afit(call, call.overhead)
        try:
            return await handler(_sending(request, call, sent)), sent
        except ContextOverflowError as error:
            overhead = call.harder(self._counter.messages(sent.messages), error)
            sent = await self._compaction.afit(call, overhead)
            return await handler(_sending(request, call, sent)), sent

    def _result(self, call: ModelCall, request: ModelRequest[Any], answer: Answer, sent: Sent) -> Result:
        """The answer, with what is to be changed in the state."""
        update: dict[str, Any] = {}
        if not call.place.is_thread and not cast("Mapping[str, Any]", request.state).get(RUN):
            update[RUN] = call.place.session_id  # so that the run is known at its next model call
        if self._compaction.replaces and sent.archived and (messages := call.replacing(sent.messages)):
            update["messages"] = messages
        return ExtendedModelResponse(answer, Command(update=update)) if update else answer


def _sending(request: ModelRequest[Any], call: ModelCall, sent: Sent) -> ModelRequest[Any]:
    messages = call.showing(sent.messages, request.messages)
    return request if messages is request.messages else request.override(messages=messages)


def _telling(runtime: Any) -> Telling:
    # LangChain's types say that there is always a runtime; a request made by hand has none.
    return Telling(getattr(runtime, "stream_writer", None))
