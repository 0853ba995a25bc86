"""`CompactionMixin`: one long turn of an agent cannot outgrow the model's window, either."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from llama_index.core.agent.workflow import AgentOutput, ToolCallResult
from llama_index.core.agent.workflow.base_agent import DEFAULT_MAX_ITERATIONS, BaseWorkflowAgent
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.bridge.pydantic import Field
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.memory import BaseMemory
from llama_index.core.tools import BaseTool

from context_compaction import Budget, TokenCounter
from llamaindex_compaction.agents.carried import carried
from llamaindex_compaction.agents.keeping import keeper_of
from llamaindex_compaction.agents.recall_tool import RECALL
from llamaindex_compaction.memory import CompactionMemory

MANAGEMENT = "context_management"
"""The argument of a run, and where in its context it is kept."""
NOT_RUN = "[not run: the agent has reached its limit of iterations]"
"""In the place of the results of the last calls."""


class CompactionMixin(BaseWorkflowAgent):
    """Put before one of LlamaIndex's agent classes, it keeps each model call inside the model's window.

    LlamaIndex's agents gather the calls and results of a turn beside the memory, where no memory can see
    them. With a `CompactionMemory` they go there as they arise: what leaves the context is archived and can
    be looked up in the same turn, and a run that fails midway leaves what was said in order. An agent that
    is given no memory makes one. With any other memory they are kept as long as the turn lasts, and what is
    sent is cut by rule: nothing is archived, nothing can be recalled.

    Prompt and tool schemas are counted. ``run(context_management=[...])`` asks for the edits of one run.
    Raises, in a run, `CannotCompact` when what must stay does not fit, `InvalidBudget` when prompt and tools
    alone do not.
    """

    context_window: int | None = Field(
        default=None, description="Tokens that the model reads and writes; None: by the LLM's metadata."
    )
    reserve_tokens: int | None = Field(
        default=None, description="Of these, left free for the answer; None: an eighth, 1,024 to a quarter."
    )
    context_management: list[dict[str, Any]] | None = Field(
        default=None, description="Edits that each model call asks for, as providers take them."
    )

    pad: ClassVar[str] = "scratchpad"
    """The key under which the agent gathers a turn."""

    # -- what differs from agent to agent ----------------------------------------------------------------

    def head(self) -> list[ChatMessage]:
        """What stands before the memory's messages in the input of a step."""
        return (
            [ChatMessage(role=MessageRole.SYSTEM, content=self.system_prompt)] if self.system_prompt else []
        )

    def beside(self, tools: Sequence[Any]) -> tuple[list[ChatMessage], Sequence[Any]]:
        """What a model call carries beside the conversation: messages, and tools as schemas."""
        return self.head(), tools

    def asked(self, output: AgentOutput, gathered: list[Any]) -> ChatMessage:  # noqa: ARG002 - for overriding
        """The message that calls tools, with its calls, as memory keeps it."""
        return output.response

    def told(self, kept: list[ChatMessage]) -> list[ChatMessage]:
        """What memory keeps, as this agent's model reads it."""
        return kept

    # -- a turn ------------------------------------------------------------------------------------------

    async def take_step(
        self, ctx: Any, llm_input: list[ChatMessage], tools: Sequence[Any], memory: BaseMemory
    ) -> AgentOutput:
        """One model call, with what fits."""
        said = llm_input[1:] if self.system_prompt else llm_input
        keeper = keeper_of(memory, ctx)
        budget = self._budget(tools, keeper.counter)
        management = await ctx.store.get(MANAGEMENT, default=self.context_management)
        shown = await keeper.fitted(said, budget, management)
        output = await super().take_step(ctx, [*self.head(), *self.told(shown)], tools, memory)  # pyright: ignore[reportAbstractUsage]
        if output.tool_calls:
            gathered = await ctx.store.get(self.pad, default=[])
            unrun = output.tool_calls if await _is_last(ctx) else []
            await keeper.keep([self.asked(output, gathered), *(_said_of(call, NOT_RUN) for call in unrun)])
            await ctx.store.set(self.pad, [])
        return output

    async def handle_tool_call_results(
        self, ctx: Any, results: list[ToolCallResult], memory: BaseMemory
    ) -> None:
        """Results are kept as those of their calls; an answer that a tool gave directly waits for the end."""
        await super().handle_tool_call_results(ctx, results, memory)  # pyright: ignore[reportAbstractUsage]
        gathered = await ctx.store.get(self.pad, default=[])
        await keeper_of(memory, ctx).keep([_said_of(each, each.tool_output.blocks) for each in results])
        await ctx.store.set(self.pad, [each for each in gathered if self.is_answer(each)])

    async def finalize(self, ctx: Any, output: AgentOutput, memory: BaseMemory) -> AgentOutput:
        """The turn is over."""
        await keeper_of(memory, ctx).finish(self.told)
        return await super().finalize(ctx, output, memory)  # pyright: ignore[reportAbstractUsage]

    def is_answer(self, gathered: Any) -> bool:
        """Whether what the agent gathered is its answer."""
        return isinstance(gathered, ChatMessage) and gathered.role == MessageRole.ASSISTANT

    async def _init_context(self, ctx: Any, ev: Any) -> None:
        """A run that is given no memory gets one that fits."""
        known = await ctx.store.get("memory", default=None)
        if known is None and ev.get("memory", default=None) is None:
            tools = self._ensure_tools_are_async(cast("list[BaseTool]", self.tools or []))  # pyright: ignore[reportUnknownMemberType]
            budget = self._budget(tools, TokenCounter.of(None))
            recalls = any(tool.metadata.name == RECALL for tool in tools)
            memory = CompactionMemory.from_defaults(token_limit=budget.input_tokens, recall_hint=recalls)
            await ctx.store.set("memory", memory)
        if ev.get(MANAGEMENT, default=None) is not None:
            await ctx.store.set(MANAGEMENT, ev.get(MANAGEMENT))
        await super()._init_context(ctx, ev)

    def _budget(self, tools: Sequence[Any], counter: TokenCounter) -> Budget:
        """What a model call has room for beside what it carries. Raises `InvalidBudget`."""
        window = self.context_window or self.llm.metadata.context_window
        return Budget(window, self.reserve_tokens, carried(*self.beside(tools), counter))


async def _is_last(ctx: Any) -> bool:
    """Whether the workflow ends with this step, whatever the model said: nobody runs its tools."""
    done = await ctx.store.get("num_iterations", default=0)
    return done + 1 >= await ctx.store.get("max_iterations", default=DEFAULT_MAX_ITERATIONS)


def _said_of(call: ToolSelection | ToolCallResult, said: str | list[Any]) -> ChatMessage:
    """The result of a call, as LlamaIndex keeps it."""
    return ChatMessage(role=MessageRole.TOOL, content=said, additional_kwargs={"tool_call_id": call.tool_id})
