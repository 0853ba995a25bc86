"""`CompactionNode`: a node of a graph that makes messages fit, also as the hook of `create_react_agent`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Unpack

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, SystemMessage
from langchain_core.runnables import Runnable, RunnableConfig, ensure_config
from langchain_core.tools import BaseTool
from langgraph.config import get_stream_writer

from context_compaction import Session
from langchain_compaction.agents.calls import ModelCall, Sent
from langchain_compaction.agents.carried import Carried
from langchain_compaction.agents.compaction import Compaction, Options
from langchain_compaction.agents.recall_tool import create_recall_tool
from langchain_compaction.agents.telling import Telling, Write, atrace, trace

State = Mapping[str, Any]


class CompactionNode(Runnable[Any, dict[str, Any]]):
    """Puts what the model is to be sent under ``llm_input_messages``, before each call of the model.

        fit = CompactionNode(model)
        agent = create_react_agent(model, tools, pre_model_hook=fit, checkpointer=saver)

        graph.add_node("fit", fit)             # in a graph of your own, whose state has both keys; the
        graph.add_edge("fit", "model")         # model's node reads ``llm_input_messages``

    It does what `CompactionMiddleware` does, and takes the same options. What a node cannot know, it is told:
    ``tools`` and ``system_prompt`` are those that the model is called with, and are counted. The last answer
    of a turn is archived when the node runs next. A request that the provider calls too long is nobody's to
    catch here.

    With ``mode="replace"`` the state's ``messages`` are shortened in the same step. With ``recall_tool`` the
    model is told of a tool to look things up, which is in `tools`: give it to the agent.

    Raises, when run: `MissingWindow`, `CannotCompact`.
    """

    name = "CompactionNode"

    def __init__(
        self,
        model: str | BaseChatModel | None = None,
        *,
        tools: Iterable[BaseTool | dict[str, Any]] = (),
        system_prompt: str | SystemMessage | None = None,
        recall_tool: bool = False,
        messages_key: str = "messages",
        output_key: str = "llm_input_messages",
        **options: Unpack[Options],
    ) -> None:
        """``options``: as for `CompactionMiddleware`. Raises `InvalidPolicy`, `ArchiveError`."""
        self._compaction = Compaction(model, recall_hint=recall_tool, **options)
        counter = self._compaction.counter
        self.tools = (
            [create_recall_tool(self._compaction.reading, token_counter=counter)] if recall_tool else []
        )
        prompt = SystemMessage(system_prompt) if isinstance(system_prompt, str) else system_prompt
        self._overhead = Carried(counter).tokens(prompt, [*tools, *self.tools])
        self._messages_key = messages_key
        self._output_key = output_key

    def invoke(
        self,
        input: Any,  # noqa: A002 - LangChain's name
        config: RunnableConfig | None = None,
        **kwargs: Any,  # noqa: ARG002 - LangChain's signature
    ) -> dict[str, Any]:
        """The update of the state."""
        call, told = self._call(input, ensure_config(config)), Telling(_writer())
        with told:
            sent = self._compaction.fit(call, call.overhead)
        trace(told)
        return self._update(call, sent)

    async def ainvoke(
        self,
        input: Any,  # noqa: A002 - LangChain's name
        config: RunnableConfig | None = None,
        **kwargs: Any,  # noqa: ARG002 - LangChain's signature
    ) -> dict[str, Any]:
        """`invoke` on the running event loop."""
        call = await asyncio.to_thread(self._call, input, ensure_config(config))
        told = Telling(_writer())
        with told:
            sent = await self._compaction.afit(call, call.overhead)
        await atrace(told)
        return self._update(call, sent)

    def session(self, config: RunnableConfig) -> Session:
        """The session of a thread, to search, pin, or go through its branches. Raises `MissingSessionId`."""
        return self._compaction.session(config)

    def close(self) -> None:
        """Close all sessions, and the archive if it was opened here."""
        self._compaction.close()

    def _call(self, state: State, config: RunnableConfig) -> ModelCall:
        messages: Sequence[BaseMessage] = state[self._messages_key]
        return self._compaction.call(config, state, messages, overhead=self._overhead, key=self._messages_key)

    def _update(self, call: ModelCall, sent: Sent) -> dict[str, Any]:
        update: dict[str, Any] = {self._output_key: call.showing(sent.messages)}
        if self._compaction.replaces and sent.archived and (messages := call.replacing(sent.messages)):
            update[self._messages_key] = messages
        return update


def _writer() -> Write | None:
    try:
        return get_stream_writer()
    except RuntimeError:  # outside of a graph
        return None
