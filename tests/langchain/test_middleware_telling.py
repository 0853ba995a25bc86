"""Who waits for a compaction is told: a user interface, a tracer, a reader of the answer. Agents may ask."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from context_compaction import Budget, Policy, Session, open_archive
from context_compaction.policy import layered
from context_compaction.testing.drafters import ScriptedDrafter
from langchain_compaction import create_compact_tool
from tests.langchain.asking import THREAD, Asking, asking, chat, texts
from tests.langchain.strict import StrictModel

BOATS = "## Current State\n- boats were spoken of"


def pressed(**options: Any) -> Asking:
    rule = layered(("tokens", 1200), target=("tokens", 600), keep=("tokens", 300))
    return asking(policy=Policy.both(rule), **options)


async def turns(run: Asking, count: int, way: str, config: Any = THREAD) -> None:
    for turn in chat(count)[::2]:
        await run.aask(turn, config=config) if way == "async" else run.ask(turn, config=config)


@pytest.mark.parametrize("mode", ["view", "replace"])
@pytest.mark.parametrize("way", ["sync", "async"])
async def test_a_user_interface_sees_when_it_begins_and_ends(way: str, mode: str):
    seen: list[Any] = []
    run = pressed(drafter=ScriptedDrafter(BOATS), mode=mode)
    for turn in chat(16)[::2]:
        value: Any = {"messages": [turn]}
        if way == "sync":
            seen += run.agent.stream(value, THREAD, stream_mode="custom")
        else:
            seen += [part async for part in run.agent.astream(value, THREAD, stream_mode="custom")]
    assert [part["phase"] for part in seen] == ["start", "end"] * (len(seen) // 2)
    assert {part["type"] for part in seen} == {"context_compaction"}
    ends = [part for part in seen if part["phase"] == "end"]
    assert [part["outcome"] for part in ends] == [event.outcome for event in run.session.events]
    assert any(part["tokens_saved"] > 0 for part in ends)
    assert seen[0]["tokens_before"] == ends[0]["tokens_before"]


class Runs(BaseCallbackHandler):
    """The runs of our name, and whose children they are."""

    def __init__(self) -> None:
        self.found: list[tuple[Any, dict[str, Any], Any]] = []
        self.names: dict[Any, str] = {}

    def on_chain_start(
        self, serialized: Any, inputs: Any, *, run_id: Any, parent_run_id: Any = None, **more: Any
    ) -> None:
        self.names[run_id] = more["name"]
        if more["name"] == "context_compaction":
            self.found.append((self.names.get(parent_run_id), more["metadata"], inputs))


class AsyncRuns(AsyncCallbackHandler):
    def __init__(self) -> None:
        self.found: list[str] = []

    async def on_chain_start(self, serialized: Any, inputs: Any, **more: Any) -> None:
        if more["name"] == "context_compaction":
            self.found.append(more["metadata"]["outcome"])


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_a_compaction_is_one_traced_run(way: str):
    handler = Runs()
    run = pressed(drafter=ScriptedDrafter(BOATS))
    await turns(run, 16, way, {**THREAD, "callbacks": [handler]})
    events = [event for event in run.session.events if event.committed]
    assert len(handler.found) == len(events) > 0
    for (parent, metadata, inputs), event in zip(handler.found, events, strict=True):
        assert parent in ("model", "CompactionMiddleware.wrap_model_call")
        assert (metadata["outcome"], metadata["tokens_saved"]) == (event.outcome, event.tokens_saved)
        assert metadata["writer"] == event.writer
        assert inputs["tokens_before"] == event.tokens_before


async def test_a_tracer_of_the_event_loop():
    handler = AsyncRuns()
    run = pressed(drafter=ScriptedDrafter(BOATS))
    await turns(run, 16, "async", {**THREAD, "callbacks": [handler]})
    assert handler.found == [event.outcome for event in run.session.events if event.committed]


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_the_answer_says_what_was_saved(way: str):
    run = pressed(drafter=ScriptedDrafter(BOATS))
    await turns(run, 16, way)
    notes = [each.response_metadata for each in run.state if isinstance(each, AIMessage)]
    noted = [note for note in notes if note]
    events = [event for event in run.session.events if event.committed]
    assert [note["compacted_tokens_saved"] for note in noted] == [event.tokens_saved for event in events]
    edits = [edit for note in noted for edit in note["context_management"]["applied_edits"]]
    assert [edit["outcome"] for edit in edits] == [event.outcome for event in events]
    assert all("summarize" in edit["rungs"] for edit in edits)
    assert all(edit["removed_messages"] > 0 for edit in edits)
    assert 0 < len(noted) < len(notes)


def test_a_request_that_names_its_threshold():
    """What the run asks for by ``context_management`` is done, and the answer says so."""
    run = asking(window=32_768, keep=("fraction", 0.02))
    run.ask(*chat(30), HumanMessage("and?"))
    edit = {"type": "compaction", "compact_threshold": 1000}
    asked = {"configurable": {**THREAD["configurable"], "context_management": [edit]}}
    run.ask(HumanMessage("shorter"), config=asked)
    note = run.state[-1].response_metadata
    assert note["compacted_tokens_saved"] > 0
    assert note["context_management"]["applied_edits"][0]["type"] == "compaction"
    assert run.state[-3].response_metadata == {}


# -- the agent asks ------------------------------------------------------------------------------------------


def asks(focus: str | None = None, number: int = 1) -> AIMessage:
    args = {} if focus is None else {"focus": focus}
    return AIMessage("", tool_calls=[{"name": "compact_conversation", "args": args, "id": f"k{number}"}])


@pytest.mark.parametrize("mode", ["view", "replace"])
@pytest.mark.parametrize("way", ["sync", "async"])
async def test_an_agent_compacts_with_a_focus(way: str, mode: str):
    drafter = ScriptedDrafter(BOATS)
    run = asking(window=16_384, drafter=drafter, compact_tool=True, mode=mode)
    run.ask(*chat(30), HumanMessage("next task"))
    run.model.script = [asks("the anchor"), AIMessage("there is room now")]
    ask = HumanMessage("make room")
    sent = await run.aask(ask) if way == "async" else run.ask(ask)
    assert drafter.requests[0].focus == "the anchor"
    assert "boats were spoken of" in texts(sent)
    assert len(sent) < 40
    [said] = [each for each in run.state if isinstance(each, ToolMessage)]
    assert said.text.startswith("Compacted: ")
    assert said.artifact["trigger"] == "manual"
    assert len(run.state) < 40 if mode == "replace" else len(run.state) == 66
    assert run.model.overflows == 0


def test_there_is_nothing_to_compact():
    run = asking(compact_tool=True)
    run.model.script = [asks()]
    run.ask(HumanMessage("make room"))
    [said] = [each for each in run.state if each.type == "tool"]
    assert said.text.startswith("Nothing was compacted")


def test_the_archive_is_gone(caplog: pytest.LogCaptureFixture):
    archive = open_archive(":memory:")

    class Closing(StrictModel):
        def _answer(self, messages: Any) -> AIMessage:
            archive.close()
            return super()._answer(messages)

    agent = asking(compact_tool=True, archive=archive, model=Closing(script=[asks()])).agent
    agent.invoke({"messages": [HumanMessage("make room")]}, THREAD)
    [said] = [each for each in agent.get_state(THREAD).values["messages"] if isinstance(each, ToolMessage)]
    assert said.status == "error"
    assert "could not be compacted" in said.text
    assert "could not compact" in caplog.text


def test_it_is_not_offered_unless_asked_for():
    assert [tool.name for tool in asking().middleware.tools] == ["recall"]
    offered = [tool.name for tool in asking(compact_tool=True).middleware.tools]
    assert offered == ["recall", "compact_conversation"]


def test_for_an_agent_of_ones_own():
    with Session(budget=Budget(8192)) as session:
        session.append([{"role": "user", "content": f"question {n} " + "and more " * 40} for n in range(30)])
        said = create_compact_tool(session).invoke({"focus": "boats"})
    assert said.startswith("Compacted: ")
