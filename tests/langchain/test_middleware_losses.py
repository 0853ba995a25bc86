"""What other middlewares were seen to lose, break or send too long; ours must not."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import StructuredTool

from context_compaction import Policy
from context_compaction.policy import layered
from context_compaction.testing.drafters import RaisingDrafter, ScriptedDrafter
from langchain_compaction import to_langchain
from tests.langchain.asking import Asking, asking, call, chat, result, steps, texts
from tests.langchain.strict import StrictModel


def pressed(**options: Any) -> Asking:
    """Compacts to few tokens, a drafter's work included, as soon as there is anything to compact."""
    rule = layered(("tokens", 1200), target=("tokens", 600), keep=("tokens", 300))
    return asking(policy=Policy.both(rule), **options)


def test_a_system_message_in_the_state_stays():
    """Seen to be summarised away (langchain#33856)."""
    sent = asking().ask(SystemMessage("You are Nemo."), *chat(30), HumanMessage("and now?"))
    assert sent[0] == SystemMessage("You are Nemo.", id=sent[0].id)
    assert sent[-1].text == "and now?"


def test_something_said_between_parallel_results():
    """Seen to break 10 of 59 pairs: the strict model would reject them."""
    for between in range(3):
        run = asking()
        said = [*chat(12), call(1, 3), *(result(1, place) for place in range(3))]
        said.insert(25 + between, HumanMessage("hurry up"))
        sent = run.ask(*said, HumanMessage("well?"))
        assert "hurry up" in texts(sent)


def test_a_result_that_answers_nothing():
    """Seen to be sent on, and answered with status 400 (langchain#38352)."""
    orphan = ToolMessage("a bell rang", tool_call_id="nobody")
    sent = asking().ask(HumanMessage("hello"), orphan, HumanMessage("what was that?"))
    assert not any(isinstance(message, ToolMessage) for message in sent)
    assert "a bell rang" in texts(sent)


@pytest.mark.parametrize(
    "drafter", [RaisingDrafter(), ScriptedDrafter(""), ScriptedDrafter("<think>hm</think>")]
)
def test_a_summariser_that_fails_loses_nothing(drafter: Any):
    """Seen to abort the run, or to replace the history by nothing (langchain#38867)."""
    run = pressed(drafter=drafter)
    for turn in chat(20)[::2]:
        sent = run.ask(turn)
    assert drafter.requests
    assert run.session.events[-1].fell_back_from == (drafter.name,)
    assert [message.text for message in run.session.history()] == [message.text for message in run.state]
    assert len(run.state) == 40
    assert sent[-1].text == run.state[-2].text  # pyright: ignore[reportPossiblyUnboundVariable]


def test_thinking_is_no_part_of_a_summary():
    drafter = ScriptedDrafter("<think>what was it</think>## Current State\n- boats were spoken of")
    run = pressed(drafter=drafter)
    for turn in chat(16)[::2]:
        run.ask(turn)
    [sent] = [message for message in run.model.seen[-1] if "boats were spoken of" in message.text]
    assert sent.additional_kwargs["lc_source"] == "summarization"
    assert "what was it" not in texts(run.model.seen[-1])


def test_a_loop_with_one_question_and_many_steps():
    """Seen to become 'Previous conversation was too long to summarize.' (langchain#39261)."""
    run = pressed(drafter=ScriptedDrafter())
    sent = run.ask(HumanMessage("find the cellar"), *steps(60), call(99), result(99))
    assert "find the cellar" in [message.text for message in sent]
    assert sent[-1].text == result(99).text


def test_the_summariser_sees_all_that_leaves():
    """Seen to get the last 4,000 tokens: 1.3 % of a thousand messages."""
    drafter = ScriptedDrafter()
    run = pressed(drafter=drafter)
    for turn in chat(20)[::2]:
        run.ask(turn)
    given = "\n".join(request.prompt().user for request in drafter.requests)
    left = [
        message.text for message in run.session.history() if message.text not in texts(run.model.seen[-1])
    ]
    assert len(left) >= 8
    assert all(text.strip() in given for text in left)


def test_the_first_summary_is_known_to_the_second():
    """Seen to be outside of the window that the second one is written from."""
    scripts = ["## Current State\n- the anchor is in bay seven", "## Current State\n- later"]
    drafter = ScriptedDrafter(scripts)
    run = pressed(drafter=drafter)
    for turn in chat(40)[::2]:
        run.ask(turn)
    assert any("bay seven" in request.prompt().user for request in drafter.requests[1:])


def wordy(place: str) -> str:
    """Look somewhere."""
    return place


@pytest.mark.parametrize("where", ["prompt", "tools"])
def test_prompt_and_tools_are_counted(where: str):
    """Seen to be left out, so that the window overflows (langchain#34664): the model here would say so."""
    rules = "Mind the rules. " * 700  # more than what is kept free for the answer
    tools = [StructuredTool.from_function(wordy, name="look", description=rules)]
    model = StrictModel(window=8192, reports_usage=False)
    carried: Any = {"system_prompt": rules} if where == "prompt" else {"tools": tools}
    run = asking(window=8192, model=model, **carried)
    for turn in chat(80)[::2]:
        run.ask(turn)
    assert run.model.overflows == 0
    assert run.commits


@pytest.mark.parametrize("window", [4096, 8192])
def test_a_last_message_of_40_000_characters(window: int):
    """Seen to end in ContextOverflowError, or to be swallowed (langmem#111): it is clamped, and findable."""
    run = asking(window=window)
    long = "begin " + "lorem ipsum " * (window * 4 // 5) + " end"
    sent = run.ask(*chat(3), HumanMessage(long))
    assert run.model.overflows == 0
    assert sent[-1].type == "human"
    assert sent[-1].text.startswith("begin ")
    assert sent[-1].text.endswith(" end")
    assert "recall m:7" in sent[-1].text
    assert run.session.expand("m:7")[0].text == long


def test_a_file_that_was_written_is_in_the_archive_whole():
    """Seen to be archived with its arguments cut."""
    body = "x = 1\n" * 3000
    run = asking()
    run.ask(HumanMessage("go"), call(1, name="write_file", path="a.py", content=body), result(1), *steps(20))
    [said] = [message for message in run.session.history() if message.tool_calls[:1]][:1]
    assert to_langchain(said).tool_calls[0]["args"]["content"] == body  # pyright: ignore[reportAttributeAccessIssue]


def test_an_image_is_neither_counted_as_text_nor_lost():
    """Seen to count as 10,000 tokens, or to vanish."""
    data = base64.b64encode(bytes(60_000)).decode()
    image = {"type": "image", "base64": data, "mime_type": "image/png"}
    run = asking(window=8192)
    sent = run.ask(HumanMessage([{"type": "text", "text": "what is this?"}, image]))  # pyright: ignore[reportArgumentType]
    assert sent[-1].content[1] == image
    assert run.commits == 0
    run.ask(*chat(60), HumanMessage("and?"))
    assert to_langchain(run.session.expand("m:1")[0]).content[1] == image


def test_thinking_of_the_turn_under_way_stays():
    """Seen to be removed in the middle of a turn, which Anthropic rejects (langchain#34794)."""
    thought = {"type": "thinking", "thinking": "to the cellar", "signature": "sig"}
    part = {"type": "tool_use", "id": "c7-0", "name": "look", "input": {"place": "room 7"}}
    step = AIMessage([thought, part], tool_calls=call(7).tool_calls)
    sent = pressed(drafter=ScriptedDrafter()).ask(*chat(20), HumanMessage("look!"), step, result(7))
    assert sent[-2].content == [thought, part]


def test_a_redactor_stands_before_the_summariser():
    """Seen to be passed by (langchain#40725)."""
    drafter = ScriptedDrafter()
    run = pressed(drafter=drafter, redactor=lambda text: text.replace("boats", "[gone]"))
    for turn in chat(16)[::2]:
        run.ask(turn)
    assert drafter.requests
    assert all("boats" not in request.prompt().user for request in drafter.requests)


def test_the_states_own_messages_are_not_touched():
    """Seen to be given ids and other contents in place."""
    run = pressed()
    said = [*chat(20), HumanMessage("now")]
    before = [message.model_copy(deep=True) for message in said]
    run.ask(*said)
    assert [message.model_copy(update={"id": None}) for message in said] == before
    assert [message.text for message in run.state[:-1]] == [message.text for message in before]
