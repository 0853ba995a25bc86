"""`ConversationCompactionMemory`: what it shows, keeps and finds again."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.prompt_values import ChatPromptValue
from pydantic import ValidationError

from context_compaction import (
    Archive,
    CannotCompact,
    DuplicateMessage,
    InvalidBudget,
    InvalidMessage,
    Policy,
    open_archive,
)
from context_compaction.testing.drafters import ScriptedDrafter
from langchain_compaction import (
    AmbiguousKeys,
    ConversationCompactionMemory,
    MissingKey,
    NotMessages,
    from_langchain,
)
from tests.langchain.memories import model

CALL = AIMessage("", tool_calls=[{"id": "c1", "name": "tide", "args": {"port": "Kiel"}}], id="a1")
RESULT = ToolMessage("low at 9", tool_call_id="c1", artifact={"metres": 0.4})


def talk(memory: ConversationCompactionMemory, turns: int) -> list[str]:
    """So many turns of some length; what was said, in order."""
    said: list[str] = []
    for number in range(turns):
        question, answer = f"Who owns boat {number}? " * 6, f"Boat {number} is captain {number * 7}'s. " * 6
        memory.save_context({"input": question}, {"output": answer})
        said += [question, answer]
    return said


def texts(memory: ConversationCompactionMemory) -> list[str]:
    return [message.text for message in memory.session.history()]


def test_what_is_shown_fits_and_all_that_was_said_is_kept():
    memory = ConversationCompactionMemory(max_token_limit=500, return_messages=True)
    said = talk(memory, 40)
    shown = memory.buffer_as_messages
    assert memory.session.stats.tokens_seen <= 500
    assert shown[-1] == AIMessage(said[-1])
    assert len(shown) < 20
    assert texts(memory) == said


def test_the_context_message_is_no_ones_line():
    memory = ConversationCompactionMemory(max_token_limit=500)
    talk(memory, 40)
    text = memory.buffer_as_str
    assert text.startswith("<conversation_summary")
    assert "Human: <conversation_summary" not in text
    assert text.index("</conversation_summary>") < text.index("Human: ")
    assert memory.buffer_as_messages[0].additional_kwargs["lc_source"] == "summarization"


def test_the_model_writes_the_summaries_and_they_are_shown():
    memory = ConversationCompactionMemory(
        llm=model("## Current State\n- Captains own boats."), max_token_limit=1000
    )
    talk(memory, 40)
    assert "Captains own boats." in memory.moving_summary_buffer
    assert "Captains own boats." in memory.buffer_as_str
    assert {event.writer for event in memory.session.events} >= {"FakeListChatModel"}


def test_a_drafter_comes_before_the_model():
    drafter = ScriptedDrafter("## Current State\n- Boats have captains.")
    memory = ConversationCompactionMemory(llm=model(), drafter=drafter, max_token_limit=1000)
    talk(memory, 40)
    assert drafter.calls
    assert "Boats have captains." in memory.moving_summary_buffer


def test_no_summary_no_text():
    assert ConversationCompactionMemory().moving_summary_buffer == ""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("ahoy", [HumanMessage("ahoy")]),
        (HumanMessage("ahoy", id="h1", name="ada"), [HumanMessage("ahoy", id="h1", name="ada")]),
        ([HumanMessage("tide?"), CALL, RESULT], [HumanMessage("tide?"), CALL, RESULT]),
        ([("system", "be calm"), ("human", "ahoy")], [SystemMessage("be calm"), HumanMessage("ahoy")]),
        (ChatPromptValue(messages=[HumanMessage("ahoy")]), [HumanMessage("ahoy")]),
    ],
    ids=["text", "message", "tool calls", "pairs", "prompt"],
)
def test_messages_stay_what_they_are(value: Any, expected: list[Any]):
    memory = ConversationCompactionMemory(return_messages=True)
    answer = AIMessage("low at 9", usage_metadata={"input_tokens": 3, "output_tokens": 2, "total_tokens": 5})
    memory.save_context({"input": value}, {"output": answer})
    assert memory.buffer == [*expected, answer]


def test_several_messages_as_an_answer():
    memory = ConversationCompactionMemory(return_messages=True)
    memory.save_context({"input": "tide?"}, {"output": [CALL, RESULT, AIMessage("low at 9")]})
    assert memory.buffer == [HumanMessage("tide?"), CALL, RESULT, AIMessage("low at 9")]


@pytest.mark.parametrize(
    ("options", "inputs", "outputs", "error"),
    [
        ({}, {"a": "x", "b": "y"}, {"output": "z"}, AmbiguousKeys),
        ({}, {}, {"output": "z"}, AmbiguousKeys),
        ({}, {"a": "x"}, {"b": "y", "c": "z"}, AmbiguousKeys),
        ({}, {"a": "x"}, {}, AmbiguousKeys),
        ({"input_key": "q"}, {"a": "x"}, {"output": "z"}, MissingKey),
        ({"output_key": "q"}, {"a": "x"}, {"output": "z"}, MissingKey),
        ({}, {"a": 3}, {"output": "z"}, NotMessages),
        ({}, {"a": "x"}, {"output": {"answer": "z"}}, NotMessages),
        ({}, {"a": "x"}, {"output": None}, NotMessages),
        ({}, {"a": [object()]}, {"output": "z"}, NotMessages),
        ({}, {"a": "x"}, {"output": ToolMessage("z", tool_call_id="")}, InvalidMessage),
    ],
)
def test_what_cannot_be_kept_is_told_and_nothing_of_it_is(
    options: Any, inputs: Any, outputs: Any, error: type[Exception]
):
    memory = ConversationCompactionMemory(**options)
    with pytest.raises(error):
        memory.save_context(inputs, outputs)
    assert memory.session.history() == []


def test_a_missing_key_says_which_keys_there_are():
    memory = ConversationCompactionMemory(input_key="question")
    with pytest.raises(MissingKey) as caught:
        memory.save_context({"input": "ahoy"}, {"output": "hello"})
    assert str(caught.value) == "the input has no 'question', which input_key= names; its keys are ['input']"
    assert (caught.value.key, caught.value.keys) == ("question", ("input",))


def test_an_id_that_was_said_before_with_other_words():
    memory = ConversationCompactionMemory()
    memory.save_context({"input": "ahoy"}, {"output": AIMessage("hello", id="a1")})
    with pytest.raises(DuplicateMessage):
        memory.save_context({"input": "ahoy"}, {"output": AIMessage("good day", id="a1")})
    assert texts(memory) == ["ahoy", "hello"]


def test_an_answer_over_the_limit_is_shown_with_head_and_tail_and_kept_whole():
    memory = ConversationCompactionMemory(max_token_limit=400)
    said = talk(memory, 10)
    long = "FIRST " + "and so on and on " * 400 + "LAST"
    memory.save_context({"input": "tell me all"}, {"output": long})
    with pytest.raises(CannotCompact):
        memory.session.context()
    text = memory.buffer_as_str
    assert "Human: tell me all\nAI: FIRST and so on" in text
    assert text.endswith("LAST")
    assert "characters left out" in text
    assert "captain" in text, "earlier turns have their part"
    assert memory.session.history()[-1].text == long
    memory.save_context({"input": "shorter"}, {"output": "fine"})
    assert memory.buffer_as_str.endswith("Human: shorter\nAI: fine")
    assert texts(memory) == [*said, "tell me all", long, "shorter", "fine"]


def test_a_long_answer_leaves_the_summaries_in_sight():
    memory = ConversationCompactionMemory(
        llm=model("## Current State\n- Captains own boats."), max_token_limit=1000
    )
    talk(memory, 40)
    memory.save_context({"input": "all"}, {"output": "and so on and on " * 400})
    assert "Captains own boats." in memory.buffer_as_str


def test_a_limit_that_holds_nothing_is_told():
    memory = ConversationCompactionMemory(max_token_limit=10)
    talk(memory, 2)
    with pytest.raises(CannotCompact):
        memory.load_memory_variables({})
    assert len(memory.session.history()) == 4


def test_prune_compacts_what_is_over_and_only_that():
    memory = ConversationCompactionMemory(max_token_limit=600, policy=Policy.layered(trigger=1.0))
    talk(memory, 2)
    memory.prune()
    assert memory.session.events == []
    memory.session.append([from_langchain(HumanMessage(f"boat {number} " * 30)) for number in range(10)])
    assert memory.session.stats.tokens_seen > 600
    memory.prune()
    assert memory.session.stats.tokens_seen <= 600
    assert len(memory.session.events) == 1


async def test_prune_asynchronously():
    memory = ConversationCompactionMemory(max_token_limit=600)
    memory.session.append([from_langchain(HumanMessage(f"boat {number} " * 30)) for number in range(10)])
    await memory.aprune()
    assert memory.session.stats.tokens_seen <= 600


async def test_recall_finds_what_is_shown_no_more():
    memory = ConversationCompactionMemory(max_token_limit=500)
    memory.save_context({"input": "The harbour master is Petersen."}, {"output": "Noted."})
    talk(memory, 40)
    assert "Petersen" not in memory.buffer_as_str
    for hits in (memory.recall("harbour master", 2), await memory.arecall("harbour master", 2)):
        assert hits[0].ref == "m:1"
        assert len(hits) <= 2


def test_tokens_are_counted_as_told():
    memory = ConversationCompactionMemory(counter=lambda text: len(text.split()))
    memory.save_context({"input": "one two three"}, {"output": "four"})
    words = memory.session.stats.tokens_said
    letters = ConversationCompactionMemory(counter=len)
    letters.save_context({"input": "one two three"}, {"output": "four"})
    assert letters.session.stats.tokens_said - words == len("one two three") + len("four") - 4


def test_made_from_messages_once():
    messages = [HumanMessage("ahoy"), AIMessage("hello")]
    archive = open_archive(":memory:")
    for _ in range(2):
        memory = ConversationCompactionMemory.from_messages(messages, archive=archive, return_messages=True)
        assert memory.buffer == messages
        assert len(memory.session.history()) == 2


def test_sessions_and_namespaces_are_apart():
    archive = open_archive(":memory:")
    memories = [
        ConversationCompactionMemory(archive=archive, session_id=session, namespace=namespace)
        for session in ("ada", "bob")
        for namespace in ("x", "y")
    ]
    for number, memory in enumerate(memories):
        memory.save_context({"input": f"I am {number}"}, {"output": "hello"})
    assert [memory.buffer for memory in memories] == [f"Human: I am {n}\nAI: hello" for n in range(4)]
    memories[0].clear()
    assert [memory.buffer == "" for memory in memories] == [True, False, False, False]


def test_clear_leaves_a_fork_its_part():
    memory = ConversationCompactionMemory()
    memory.save_context({"input": "ahoy"}, {"output": "hello"})
    fork = memory.session.fork(2, "fork")
    memory.clear()
    assert memory.session.history() == []
    assert [message.text for message in fork.history()] == ["ahoy", "hello"]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"max_tokens": 100}, ValidationError),
        ({"max_token_limit": "many"}, ValidationError),
        ({"max_token_limit": 0}, InvalidBudget),
        ({"policy": "layered"}, ValidationError),
        ({"chat_memory": []}, TypeError),
        ({"counter": 3.5}, TypeError),
        ({"llm": 3}, TypeError),
    ],
)
def test_options_that_are_none(options: dict[str, Any], error: type[Exception]):
    with pytest.raises(error):
        ConversationCompactionMemory(**options)


@pytest.mark.parametrize(("option", "value"), [("max_token_limit", 5), ("session_id", "x"), ("llm", model())])
def test_what_the_session_was_opened_with_stays(option: str, value: Any):
    with pytest.raises(ValidationError, match="frozen"):
        setattr(ConversationCompactionMemory(), option, value)


def test_close_leaves_an_archive_of_the_users_open():
    archive = open_archive(":memory:")
    memory = ConversationCompactionMemory(archive=archive)
    memory.save_context({"input": "ahoy"}, {"output": "hello"})
    memory.close()
    assert isinstance(archive, Archive)
    assert archive.sessions() == [("default", "default")]
