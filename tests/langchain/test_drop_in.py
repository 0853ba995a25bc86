"""LangChain's memories and ours through the same turns: same keys, types and errors for the same calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from langchain_compaction import ConversationCompactionMemory
from langchain_compaction.messages import write_all
from tests.langchain import memories
from tests.langchain.memories import KeptHistory

Make = Callable[..., Any]
# LangChain's summaries make a deprecated chain each; ours may warn of nothing.
_NOISY = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainDeprecationWarning")
SAYING = [
    pytest.param(memories.buffer, id="buffer"),
    pytest.param(memories.token_buffer, id="token-buffer"),
    pytest.param(memories.summary_buffer, id="summary-buffer", marks=_NOISY),
    pytest.param(memories.ours, id="ours"),
]
"""Those that show what was said while there is room."""
ALL = [*SAYING, pytest.param(memories.summary, id="summary", marks=_NOISY)]
every = pytest.mark.parametrize("make", ALL)
saying = pytest.mark.parametrize("make", SAYING)


@every
def test_nothing_was_said_yet(make: Make):
    memory = make()
    assert memory.memory_variables == ["history"]
    assert memory.load_memory_variables({}) == {"history": ""}


@every
def test_under_another_key(make: Make):
    memory = make(memory_key="talk")
    memory.save_context({"input": "ahoy"}, {"output": "hello"})
    assert memory.memory_variables == ["talk"]
    assert list(memory.load_memory_variables({"input": "x"})) == ["talk"]


@every
def test_as_text(make: Make):
    memory = make()
    assert memory.save_context({"input": "ahoy"}, {"output": "hello"}) is None
    shown = memory.load_memory_variables({"input": "next"})
    assert list(shown) == ["history"]
    assert isinstance(shown["history"], str)
    assert shown["history"]


@every
def test_as_messages(make: Make):
    memory = make(return_messages=True)
    memory.save_context({"input": "ahoy"}, {"output": "hello"})
    shown = memory.load_memory_variables({})["history"]
    assert type(shown) is list
    assert shown
    assert all(isinstance(message, BaseMessage) for message in shown)


@saying
def test_what_was_said_is_shown(make: Make):
    memory = make()
    memory.save_context({"input": "ahoy"}, {"output": "hello"})
    memory.save_context({"input": "who?"}, {"output": "me"})
    assert memory.load_memory_variables({}) == {"history": "Human: ahoy\nAI: hello\nHuman: who?\nAI: me"}
    assert memory.buffer == memory.load_memory_variables({})["history"]


@saying
def test_messages_are_equal_to_what_was_said(make: Make):
    memory = make(return_messages=True)
    memory.save_context({"input": "ahoy"}, {"output": "hello"})
    assert memory.load_memory_variables({})["history"] == [HumanMessage("ahoy"), AIMessage("hello")]
    assert memory.buffer == [HumanMessage("ahoy"), AIMessage("hello")]


@saying
def test_speakers_by_other_names(make: Make):
    memory = make(human_prefix="Ada", ai_prefix="Bot")
    memory.save_context({"input": "ahoy"}, {"output": "hello"})
    assert memory.load_memory_variables({})["history"] == "Ada: ahoy\nBot: hello"


@every
@pytest.mark.parametrize(
    "inputs",
    [
        {"input": "ahoy"},
        {"anything": "ahoy"},
        {"input": "ahoy", "stop": ["\n"]},
        {"input": "ahoy", "history": "Human: earlier"},
    ],
    ids=["one", "any-name", "stop", "history"],
)
def test_one_input_is_what_was_said(make: Make, inputs: dict[str, Any]):
    memory = make()
    memory.save_context(inputs, {"output": "hello"})
    assert [message.content for message in _said(memory)] == ["ahoy", "hello"]


@every
@pytest.mark.parametrize("inputs", [{"question": "ahoy", "tone": "calm"}, {}, {"stop": ["\n"]}])
def test_no_single_input_is_an_error(make: Make, inputs: dict[str, Any]):
    memory = make()
    with pytest.raises(ValueError, match="key"):
        memory.save_context(inputs, {"output": "hello"})
    assert _said(memory) == []


@every
def test_a_named_input(make: Make):
    memory = make(input_key="question")
    memory.save_context({"question": "ahoy", "tone": "calm"}, {"output": "hello"})
    assert [message.content for message in _said(memory)] == ["ahoy", "hello"]


@every
def test_a_named_output(make: Make):
    memory = make(output_key="answer")
    memory.save_context({"input": "ahoy"}, {"answer": "hello", "sources": "a book"})
    assert [message.content for message in _said(memory)] == ["ahoy", "hello"]


@every
def test_of_several_outputs_the_one_called_output_with_a_warning(make: Make):
    memory = make()
    with pytest.warns(UserWarning, match="output_key") as caught:
        memory.save_context({"input": "ahoy"}, {"output": "hello", "sources": "a book"})
    assert [message.content for message in _said(memory)] == ["ahoy", "hello"]
    assert len([warning for warning in caught if warning.category is UserWarning]) == 1


@every
@pytest.mark.parametrize("outputs", [{"answer": "hello", "sources": "a book"}])
def test_no_single_output_is_an_error(make: Make, outputs: dict[str, Any]):
    memory = make()
    with pytest.raises(ValueError, match="output"):
        memory.save_context({"input": "ahoy"}, outputs)
    assert _said(memory) == []


@every
@pytest.mark.parametrize(
    ("options", "inputs", "outputs"),
    [
        ({"input_key": "question"}, {"input": "ahoy"}, {"output": "hello"}),
        ({"output_key": "answer"}, {"input": "ahoy"}, {"output": "hello"}),
    ],
    ids=["input", "output"],
)
def test_a_named_key_that_is_not_there(make: Make, options: Any, inputs: Any, outputs: Any):
    memory = make(**options)
    with pytest.raises(KeyError, match=r"question|answer"):
        memory.save_context(inputs, outputs)
    assert _said(memory) == []


@every
def test_clear(make: Make):
    memory = make()
    memory.save_context({"input": "ahoy"}, {"output": "hello"})
    assert memory.clear() is None
    assert memory.load_memory_variables({}) == {"history": ""}
    memory.save_context({"input": "again"}, {"output": "yes"})
    assert [message.content for message in _said(memory)] == ["again", "yes"]
    memory.clear()
    memory.clear()
    assert _said(memory) == []


@saying
async def test_the_asynchronous_twins(make: Make):
    memory = make()
    assert await memory.aload_memory_variables({}) == {"history": ""}
    assert await memory.asave_context({"input": "ahoy"}, {"output": "hello"}) is None
    assert await memory.aload_memory_variables({}) == {"history": "Human: ahoy\nAI: hello"}
    with pytest.raises(ValueError, match="key"):
        await memory.asave_context({"input": "ahoy", "tone": "calm"}, {"output": "hello"})
    assert await memory.aclear() is None
    assert await memory.aload_memory_variables({}) == {"history": ""}


@pytest.mark.parametrize("make", [memories.buffer, memories.token_buffer, memories.ours])
async def test_the_buffer_in_every_form(make: Make):
    memory = make()
    memory.save_context({"input": "ahoy"}, {"output": "hello"})
    text, messages = "Human: ahoy\nAI: hello", [HumanMessage("ahoy"), AIMessage("hello")]
    assert (memory.buffer_as_str, memory.buffer_as_messages) == (text, messages)
    memory.return_messages = True
    assert (memory.buffer_as_str, memory.buffer_as_messages, memory.buffer) == (text, messages, messages)


@pytest.mark.parametrize("make", [memories.buffer, memories.ours])
async def test_the_buffer_in_every_form_asynchronously(make: Make):
    memory = make()
    memory.save_context({"input": "ahoy"}, {"output": "hello"})
    text, messages = "Human: ahoy\nAI: hello", [HumanMessage("ahoy"), AIMessage("hello")]
    assert (await memory.abuffer(), await memory.abuffer_as_str()) == (text, text)
    assert await memory.abuffer_as_messages() == messages


@saying
def test_a_history_that_is_there_goes_on(make: Make):
    history = KeptHistory([HumanMessage("ahoy"), AIMessage("hello")])
    memory = make(chat_memory=history)
    assert memory.load_memory_variables({})["history"] == "Human: ahoy\nAI: hello"
    memory.save_context({"input": "who?"}, {"output": "me"})
    assert history.said[2:] == [HumanMessage("who?"), AIMessage("me")]
    history.add_messages([HumanMessage("and?"), AIMessage("you")])
    assert memory.load_memory_variables({})["history"].endswith("AI: me\nHuman: and?\nAI: you")
    memory.clear()
    assert history.said == []


@pytest.mark.parametrize("make", [memories.summary_buffer, memories.ours])
@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainDeprecationWarning")
def test_beyond_the_limit_something_shorter_is_shown(make: Make):
    memory = make(max_token_limit=150)
    assert memory.moving_summary_buffer == ""
    for number in range(30):
        memory.save_context({"input": f"boat {number}? " * 5}, {"output": f"Captain {number}."})
    assert memory.prune() is None
    shown = memory.load_memory_variables({})["history"]
    assert isinstance(memory.moving_summary_buffer, str)
    assert "Captain 29." in shown
    assert "Captain 0." not in shown


@_NOISY
@pytest.mark.parametrize("make", [memories.summary, memories.ours])
def test_made_from_a_history(make: Make):
    history = KeptHistory([HumanMessage("ahoy"), AIMessage("hello")])
    memory = type(make()).from_messages
    made = memories.quietly(
        memory, llm=memories.model(), chat_memory=history, summarize_step=2, return_messages=True
    )
    assert made.return_messages
    assert made.load_memory_variables({})["history"]


@every
def test_in_a_conversation_chain(make: Make):
    memory = make()
    chain = memories.conversation(memory, "hello")
    assert chain.invoke({"input": "ahoy"}) == {"input": "ahoy", "history": "", "response": "hello"}
    again = chain.invoke({"input": "who?"})
    assert set(again) == {"input", "history", "response"}
    assert again["history"]


@saying
async def test_in_a_chain_with_more_inputs(make: Make):
    memory = make(input_key="question", memory_key="talk")
    chain = memories.chain(memory, "{tone} {talk} {question}", "hello")
    chain.invoke({"question": "ahoy", "tone": "calm"})
    again = await chain.ainvoke({"question": "who?", "tone": "calm"})
    assert again["talk"] == "Human: ahoy\nAI: hello"


def _said(memory: Any) -> list[BaseMessage]:
    """What the memory holds, not what it makes of it."""
    if isinstance(memory, ConversationCompactionMemory):
        return write_all(memory.session.history())
    return memory.chat_memory.messages
