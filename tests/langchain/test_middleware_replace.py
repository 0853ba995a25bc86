"""``mode="replace"``: the state stays as small as what the model sees, and nothing that was said is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, HumanInTheLoopMiddleware
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from langgraph.types import Command

from context_compaction import InvalidPolicy, Policy, open_archive
from context_compaction.policy import layered
from context_compaction.testing.drafters import ScriptedDrafter
from langchain_compaction import CompactionMiddleware, CompactionNode
from tests.langchain.asking import THREAD, Asking, asking, call, chat, result, steps, texts
from tests.langchain.savers import KINDS, Savers
from tests.langchain.strict import StrictModel


@tool
def look(place: str) -> str:
    """Look somewhere."""
    return f"nothing in {place}"


def pressed(*around: Any, **options: Any) -> Asking:
    rule = layered(("tokens", 1200), target=("tokens", 600), keep=("tokens", 300))
    return asking(*around, policy=Policy.both(rule), **{"mode": "replace", **options})


def talk(run: Asking, turns: int, *, first: int = 0) -> list[str]:
    """What was asked, a turn at a time."""
    asked = [
        HumanMessage(f"question {turn} about boats " + "and more " * 40)
        for turn in range(first, first + turns)
    ]
    for turn in asked:
        run.ask(turn)
    return [str(turn.text) for turn in asked]


def test_the_state_is_what_the_model_was_shown_and_its_answer():
    run = pressed()
    asked = talk(run, 30)
    sent = run.model.seen[-1]
    assert len(run.state) < 30
    assert [each.content for each in run.state] == [*(each.content for each in sent), "That is all."]
    assert run.state[0].additional_kwargs["lc_source"] == "summarization"
    assert [each.text for each in run.session.history()] == [
        text for each in asked for text in (each, "That is all.")
    ]
    assert len(run.session.branches()) == 1


def test_what_stays_keeps_its_id_and_place():
    run = pressed()
    ids: list[str] = []
    for turn in range(30):
        talk(run, 1, first=turn)
        ids += [str(each.id) for each in run.state if each.id not in ids]
        places = [ids.index(str(each.id)) for each in run.state[1:]]
        assert places == sorted(places)
    assert run.commits > 2
    assert run.state[0].id == ids[0]  # of the first that left, from then on


def test_messages_are_removed_by_their_ids():
    """The marker for all of them breaks whoever has a message of their own in the same update."""
    updates: list[Any] = []
    run = pressed()
    for turn in chat(20)[::2]:
        for _, update in run.agent.stream({"messages": [turn]}, THREAD, stream_mode=["updates"]):
            for written in update.values():
                parts = written if isinstance(written, list) else [written or {}]
                updates += [each for part in parts for each in part.get("messages", [])]
    removed = [each.id for each in updates if isinstance(each, RemoveMessage)]
    assert removed
    assert REMOVE_ALL_MESSAGES not in removed
    assert len(set(removed)) == len(removed)


def test_messages_of_another_middleware_in_the_same_step():
    """What it adds behind the answer stays."""

    class Adding(AgentMiddleware[Any, Any, Any]):
        def after_model(self, state: Any, runtime: Any) -> Any:
            return {
                "messages": [
                    HumanMessage(f"noted {len(state['messages'])}", id=f"n{state['messages'][-1].id}")
                ]
            }

    run = pressed(Adding())
    talk(run, 20)
    assert run.state[-1].text.startswith("noted")
    assert sum(each.text.startswith("noted") for each in run.session.history()) == 20
    assert len(run.session.branches()) == 1


def test_system_messages_in_the_state_stay():
    run = pressed()
    run.ask(SystemMessage("You are Nemo."), HumanMessage("hello"))
    talk(run, 20)
    assert [each.text for each in run.state if each.type == "system"] == ["You are Nemo."]
    assert run.model.seen[-1][0].text == "You are Nemo."
    assert len(run.session.branches()) == 1


def test_cleared_results_are_cleared_in_the_state():
    run = asking(window=4096, mode="replace", policy=Policy.masking())
    run.ask(HumanMessage("look around"), *steps(24, words=80))
    run.ask(HumanMessage("and?"))
    cleared = [each for each in run.state if each.text.startswith("[output omitted")]
    assert all(isinstance(each, ToolMessage) for each in cleared)
    assert cleared
    assert len(run.session.branches()) == 1
    [kept] = run.session.expand("m:3")
    assert kept.text == result(0, words=80).text


@pytest.mark.parametrize("kind", KINDS)
def test_another_process_goes_on_with_the_state(kind: str, savers: Savers, tmp_path: Path):
    """From the same checkpoints and the same archive; the view that the state has is known again."""
    with savers.open(kind) as checkpointer:
        asked: list[str] = []
        for process in range(3):
            run = pressed(archive=tmp_path / "chat.db", checkpointer=checkpointer)
            asked += talk(run, 10, first=10 * process)
            assert len(run.session.branches()) == 1
            run.middleware.close()
        with open_archive(tmp_path / "chat.db") as archive:
            found = CompactionMiddleware(max_input_tokens=4096, archive=archive).session(THREAD).history()
        assert [each.text for each in found if each.role == "user"] == asked


def test_a_checkpoint_gone_back_to_is_a_branch():
    """Of a state that was another view of the log by then."""
    run = pressed()
    asked = talk(run, 12)
    back = run.agent.get_state(THREAD).config
    talk(run, 12, first=12)
    run.agent.invoke({"messages": [HumanMessage("right")]}, back)
    assert [each.text for each in run.session.history() if each.role == "user"] == [*asked, "right"]
    assert len(run.session.branches()) == 2
    assert run.model.seen[-1][-1].text == "right"


def test_an_edited_message_is_a_branch():
    run = pressed()
    asked = talk(run, 12)
    last = run.state[-2]
    assert last.text == asked[-1]
    run.agent.update_state(THREAD, {"messages": [HumanMessage("asked otherwise", id=last.id)]})
    sent = run.ask(HumanMessage("and?"))
    assert [each.text for each in sent[-3:]] == ["asked otherwise", "That is all.", "and?"]
    said = [each.text for each in run.session.history() if each.role == "user"]
    assert said == [*asked[:-1], "asked otherwise", "and?"]
    assert len(run.session.branches()) == 2


def test_a_call_that_waits_for_a_human():
    """It stands in the state when that is replaced, is decided on, and answered."""
    human = HumanInTheLoopMiddleware(interrupt_on={"look": True})
    run = pressed(human, tools=[look])
    talk(run, 12)
    before = run.commits
    run.model.script = [call(1, 2), AIMessage("done")]
    out = run.agent.invoke({"messages": [HumanMessage("look " + "here " * 200)]}, THREAD)
    assert out["__interrupt__"]
    run.agent.invoke(Command(resume={"decisions": [{"type": "approve"}, {"type": "approve"}]}), THREAD)
    assert [each.text for each in run.model.seen[-1][-2:]] == ["nothing in room 1"] * 2
    assert run.commits > before
    assert len(run.session.branches()) == 1
    run.model.script = [call(2)]
    run.agent.invoke({"messages": [HumanMessage("look")]}, THREAD)
    sent = run.ask(HumanMessage("never mind"))
    assert [each.type for each in sent[-4:]] == ["human", "ai", "tool", "human"]
    assert not any(isinstance(each, ToolMessage) and each.status == "error" for each in run.state)


def test_without_a_thread_nothing_is_removed():
    """Nobody could find it again."""
    model = StrictModel(window=4096)
    agent: Any = create_agent(
        model, middleware=[CompactionMiddleware(max_input_tokens=4096, mode="replace", archive=":memory:")]
    )
    out = agent.invoke({"messages": [*chat(60), HumanMessage("and?")]})
    assert len(model.seen[-1]) < 100
    assert len(out["messages"]) == 122


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_without_its_archive_nothing_is_removed(way: str, tmp_path: Path):
    run = pressed(archive=tmp_path / "chat.db")
    talk(run, 3)
    run.middleware.close()
    said = [*chat(60), HumanMessage("and?")]
    sent = run.ask(*said) if way == "sync" else await run.aask(*said)
    assert len(sent) < 100
    assert len(run.state) == 6 + 122


def test_a_state_whose_archive_is_another_one_now():
    """What its context message says is all that there is; it is stored, and the agent goes on."""
    from langgraph.checkpoint.memory import InMemorySaver

    checkpointer = InMemorySaver()
    drafter = ScriptedDrafter("## Current State\n- the anchor is in bay seven")
    talk(pressed(checkpointer=checkpointer, drafter=drafter), 20)
    run = pressed(checkpointer=checkpointer, drafter=drafter)
    sent = run.ask(HumanMessage("and?"))
    assert "bay seven" in texts(sent)
    assert "bay seven" in run.session.history()[0].text
    talk(run, 20, first=20)
    assert len(run.session.branches()) == 1


async def test_the_event_loop_way():
    run = pressed()
    for turn in chat(30)[::2]:
        await run.aask(turn)
    assert len(run.state) < 30
    assert len(run.session.history()) == 60
    assert len(run.session.branches()) == 1


def test_what_leaves_the_state_needs_an_archive_that_was_named():
    """In memory by default it would be gone with the process, while the checkpoints stay."""
    for make in (CompactionMiddleware, CompactionNode):
        with pytest.raises(InvalidPolicy, match="name the archive that keeps them"):
            make(max_input_tokens=4096, mode="replace")
