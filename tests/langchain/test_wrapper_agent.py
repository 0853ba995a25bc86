"""`create_agent` inside: its calls and results are stored in order, once, and seen again in the next turn."""

from __future__ import annotations

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.tools import tool
from pydantic import Field

from langchain_compaction import RunnableWithCompaction
from langchain_compaction.messages import write_all
from tests.langchain.chatting import S1, said, session


class Calling(GenericFakeChatModel):
    """Says what it is told to, and is given tools."""

    seen: list[Any] = Field(default_factory=list)

    def bind_tools(self, tools: Any, **_: Any) -> Any:
        return self

    def _generate(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        self.seen.append(list(messages))
        return super()._generate(messages, *args, **kwargs)


@tool
def look(place: str) -> str:
    """Look somewhere."""
    return f"nothing in {place}"


def agent() -> tuple[Any, list[Any]]:
    call = {"name": "look", "args": {"place": "the hall"}, "id": "c1"}
    answers = [AIMessage("", tool_calls=[call]), AIMessage("The hall is empty."), AIMessage("Still empty.")]
    model = Calling(messages=iter(answers))
    return create_agent(model, [look], system_prompt="be kind"), model.seen


TURN = [
    ("human", "who is there?"),
    ("ai", ""),
    ("tool", "nothing in the hall"),
    ("ai", "The hall is empty."),
    ("human", "and now?"),
    ("ai", "Still empty."),
]


@pytest.mark.parametrize("mode", [None, "values", ["values", "updates"]])
@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])
async def test_an_agents_turn_is_stored_in_order_and_once(way, mode):
    of, (inner, seen) = session(), agent()
    chain = RunnableWithCompaction(
        inner, lambda _: of, input_messages_key="messages", output_messages_key="messages"
    )
    options: Any = {"stream_mode": mode} if mode and "stream" in way else {}
    for question in ("who is there?", "and now?"):
        value = {"messages": [{"role": "user", "content": question}]}
        match way:
            case "invoke":
                chain.invoke(value, S1)
            case "ainvoke":
                await chain.ainvoke(value, S1)
            case "stream":
                list(chain.stream(value, S1, **options))
            case _:
                _ = [chunk async for chunk in chain.astream(value, S1, **options)]
    stored = write_all(of.history())
    assert said(stored) == TURN
    assert not any(isinstance(message, AIMessageChunk) for message in stored)
    assert stored[1].tool_calls[0]["id"] == stored[2].tool_call_id == "c1"  # pyright: ignore[reportAttributeAccessIssue]
    assert said(seen[-1]) == [("system", "be kind"), *TURN[:5]]
