"""Our agents: a turn may be as long as it likes, nothing of it is lost, and it is looked up on the way."""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core.base.llms.types import MessageRole
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.tools import FunctionTool
from llama_index.core.workflow import Context

from llamaindex_compaction import CompactionMemory, create_recall_tool
from tests.llamaindex.asking import (
    DAYS,
    KINDS,
    WINDOW,
    agent,
    answer,
    calling,
    memory,
    read,
    recalling,
    step,
    texts,
)
from tests.llamaindex.strict import StrictLLM

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of LlamaIndex's own agents

# -- one long turn -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "streaming"), [(6000, True), (30_000, False)])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_long_turn_fits_and_all_of_it_is_kept(kind: str, limit: int, *, streaming: bool):
    """Whether or not the memory's limit leaves room for prompt and tools."""
    kept = memory(token_limit=limit)
    script = [*(step(kind, day) for day in range(DAYS)), answer(kind, "All quiet.")]
    asked = agent(kind, script, streaming=streaming)
    out = await asked.run("Read all the logs.", memory=kept, max_iterations=100)
    assert out.response.content == "All quiet."
    assert len(asked.llm.seen) == DAYS + 1
    assert max(asked.llm.sizes) <= WINDOW
    assert all("Read all the logs." in texts(sent) for sent in asked.llm.seen)
    assert all(read(day) in texts(asked.llm.seen[day + 1]) for day in range(DAYS)), (
        "the newest result is whole"
    )
    said = kept.session.history()
    assert [message.role for message in said] == ["user", *["assistant", "tool"] * DAYS, "assistant"]
    assert [message.text for message in said if message.role == "tool"] == [read(day) for day in range(DAYS)]
    assert [message.tool_calls[0].id for message in said if message.tool_calls] == [
        message.tool_result.call_id for message in said if message.tool_result
    ]


@pytest.mark.parametrize("kind", KINDS)
async def test_between_compactions_a_request_begins_with_the_one_before(kind: str):
    kept = memory(token_limit=30_000)
    versions: list[int] = []

    class Watching(StrictLLM):
        def chat(self, *args: Any, **kwargs: Any) -> Any:
            versions.append(kept.session.view.version)
            return super().chat(*args, **kwargs)

    llm = Watching(window=WINDOW, script=[step(kind, day) for day in range(DAYS)], done=answer(kind, "Done."))
    await agent(kind, [], llm=llm).run("Read all.", memory=kept, max_iterations=100)
    seen = llm.seen
    same = [place for place in range(1, len(seen)) if versions[place] == versions[place - 1]]
    assert len(same) > DAYS // 4
    assert all(seen[place][: len(seen[place - 1])] == seen[place - 1] for place in same)


async def test_what_left_is_looked_up_in_the_same_turn():
    kept = memory(recall_hint=True)
    script = [*(calling(day) for day in range(10)), recalling(query="keeper's number day 0")]
    asked = agent("function", script, tools=[read, create_recall_tool()])
    await asked.run("Read all the logs.", memory=kept, max_iterations=100)
    before, after = asked.llm.seen[-2:]
    assert "4700" not in texts(before)
    assert after[-1].role == MessageRole.TOOL
    assert "The keeper's number is 4700." in str(after[-1].content)


async def test_what_the_tool_found_is_not_found_again():
    kept = memory()
    script = [
        calling(1),
        recalling(query="keeper's number"),
        "It is 4701.",
        recalling(query="keeper's number"),
    ]
    asked = agent("function", script, tools=[read, create_recall_tool()])
    first = await asked.run("What is the keeper's number?", memory=kept)
    second = await asked.run("What was the keeper's number again?", memory=kept)
    [found] = [each.tool_output for each in second.tool_calls]
    assert first.response.content == "It is 4701."
    said = kept.session.history()
    assert len([ref for ref in found.raw_output["refs"] if said[int(ref[2:]) - 1].role == "tool"]) == 1


async def test_a_reference_that_is_not_there_is_an_error_for_the_model():
    asked = agent("function", [recalling(ref="m:99")], tools=[create_recall_tool()])
    out = await asked.run("hm", memory=memory())
    assert out.tool_calls[0].tool_output.is_error
    assert "'m:99'" in texts(asked.llm.seen[-1])


async def test_calls_made_at_once_stay_with_their_results():
    kept = memory()
    script = [calling(*range(place, place + 3)) for place in range(0, 30, 3)]
    asked = agent("function", script)
    await asked.run("Read all.", memory=kept, max_iterations=100)
    assert max(asked.llm.sizes) <= WINDOW
    results = {message.tool_result.call_id for message in kept.session.history() if message.tool_result}
    assert results == {f"c{day}" for day in range(30)}


async def test_a_result_larger_than_the_window_is_cut_and_can_be_read_on():
    kept = memory(token_limit=6000)

    def dump() -> str:
        return "\n".join(f"row {row}" for row in range(20_000))

    tool = FunctionTool.from_defaults(lambda day: dump(), name="dump", description="All rows.")
    asked = agent("function", [calling(0, name="dump")], tools=[tool])
    await asked.run("Dump it.", memory=kept)
    result = str(asked.llm.seen[-1][-1].content)
    assert result.startswith("row 0\n")
    assert "m:3" in result
    assert kept.session.expand("m:3")[0].text == dump()


# -- the memory of a run -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
async def test_a_run_without_a_memory_gets_one_that_fits(kind: str):
    asked = agent(kind, [step(kind, day) for day in range(DAYS)])
    asked.llm.done = answer(kind, "All quiet.")
    ctx = Context(asked)
    await asked.run("Read all the logs.", ctx=ctx, max_iterations=100)
    await asked.run("And now?", ctx=ctx)
    kept = await ctx.store.get("memory")
    assert isinstance(kept, CompactionMemory)
    assert 0 < kept.token_limit < WINDOW
    assert len(kept.get_all()) == 2 * DAYS + 4
    assert any(event.committed for event in kept.session.events)


@pytest.mark.parametrize("kind", KINDS)
async def test_with_another_memory_the_turn_fits_too_and_the_memory_gets_it(kind: str):
    theirs = ChatMemoryBuffer.from_defaults(token_limit=1_000_000)
    asked = agent(kind, [step(kind, day) for day in range(DAYS)])
    asked.llm.done = answer(kind, "All quiet.")
    await asked.run("Read all the logs.", memory=theirs, max_iterations=100)
    assert len(asked.llm.seen) == DAYS + 1
    said = texts(theirs.get_all())
    assert all(said.count(read(day)) == 1 for day in range(DAYS))
    roles = {message.role for message in theirs.get_all()}
    assert (MessageRole.TOOL in roles) == (kind == "function"), "in the agent's own form"


async def test_with_another_memory_there_is_nothing_to_look_up():
    asked = agent("function", [recalling(query="keeper")], tools=[create_recall_tool()])
    out = await asked.run("hm", memory=ChatMemoryBuffer.from_defaults(token_limit=1000))
    assert out.tool_calls[0].tool_output.is_error
    assert "keeps nothing that could be looked up" in str(out.tool_calls[0].tool_output.content)


async def test_a_context_that_was_written_down_goes_on():
    asked = agent("function", [calling(1), "It is 4701."])
    ctx = Context(asked)
    await asked.run("What is the keeper's number?", ctx=ctx, memory=memory())
    again = Context.from_dict(asked, ctx.to_dict())
    out = await asked.run("Thank you.", ctx=again)
    assert out.response.content == "That is all."
    assert "4701" in texts(asked.llm.seen[-1])
