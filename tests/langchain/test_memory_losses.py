"""Where LangChain's memories lose what was said, or how it stands, ours does not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage, HumanMessage

from langchain_compaction import ConversationCompactionMemory
from tests.langchain import memories
from tests.langchain.memories import KeptHistory, RaisingModel

pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainDeprecationWarning")
TURNS = [(f"Who owns boat {number}? " * 8, f"Captain {number}. " * 8) for number in range(25)]
SAID = [text for turn in TURNS for text in turn]
LIMIT = 500


def texts(memory: ConversationCompactionMemory) -> list[str]:
    return [message.text for message in memory.session.history()]


def test_theirs_loses_turns_when_the_summary_fails():
    """Else the next test would prove nothing."""
    broken = RaisingModel(responses=[""], custom_get_token_ids=memories.model().custom_get_token_ids)
    theirs = memories.summary_buffer(llm=broken, max_token_limit=100)
    question, answer = TURNS[0]
    theirs.save_context({"input": question}, {"output": answer})
    with pytest.raises(RuntimeError):
        theirs.save_context({"input": question * 4}, {"output": answer * 4})
    kept = [message.content for message in theirs.chat_memory.messages]
    assert question not in kept
    assert theirs.moving_summary_buffer == ""


@pytest.mark.parametrize(
    "llm",
    [RaisingModel(responses=[""]), FakeListChatModel(responses=[""]), FakeListChatModel(responses=[" \n"])],
    ids=["raises", "empty", "blank"],
)
def test_no_word_and_no_turn_is_lost_with_a_summary(llm: FakeListChatModel):
    memory = ConversationCompactionMemory(llm=llm, max_token_limit=LIMIT)
    for question, answer in TURNS:
        memory.save_context({"input": question}, {"output": answer})
        assert memory.load_memory_variables({})["history"].endswith(f"Human: {question}\nAI: {answer}")
    assert texts(memory) == SAID
    assert memory.session.stats.tokens_seen <= LIMIT
    assert memory.session.stats.compactions


async def test_an_asynchronous_save_compacts_too():
    theirs = memories.token_buffer(max_token_limit=100)
    ours = ConversationCompactionMemory(max_token_limit=LIMIT)
    for question, answer in TURNS:
        await theirs.asave_context({"input": question}, {"output": answer})
        await ours.asave_context({"input": question}, {"output": answer})
    assert len(theirs.chat_memory.messages) == len(SAID), "theirs never prunes here"
    assert ours.session.stats.tokens_seen <= LIMIT
    assert texts(ours) == SAID


async def test_turns_saved_at_the_same_time_stay_whole():
    memory = ConversationCompactionMemory(max_token_limit=LIMIT)
    await asyncio.gather(
        *(memory.asave_context({"input": question}, {"output": answer}) for question, answer in TURNS)
    )
    kept = texts(memory)
    assert sorted(zip(kept[::2], kept[1::2], strict=True)) == sorted(TURNS)


def test_a_history_that_gives_copies():
    theirs = memories.summary_buffer(chat_memory=KeptHistory(), max_token_limit=100)
    history = KeptHistory()
    ours = ConversationCompactionMemory(chat_memory=history, max_token_limit=LIMIT, return_messages=True)
    for question, answer in TURNS:
        theirs.save_context({"input": question}, {"output": answer})
        ours.save_context({"input": question}, {"output": answer})
    assert theirs.buffer.count("Captain") == len(TURNS) * 8, "theirs never gets shorter"
    assert ours.session.stats.tokens_seen <= LIMIT
    assert len(ours.buffer) < len(SAID)
    assert [message.content for message in history.messages] == SAID
    assert texts(ours) == SAID


def test_a_summary_outlives_the_process(tmp_path: Path):
    llm = memories.model("## Current State\n- Captains own boats.")
    memory = ConversationCompactionMemory(llm=llm, archive=tmp_path / "chat.db", max_token_limit=1000)
    for question, answer in TURNS:
        memory.save_context({"input": question}, {"output": answer})
    shown, summary = memory.buffer, memory.moving_summary_buffer
    assert "Captains own boats." in summary
    memory.close()
    again = ConversationCompactionMemory(archive=tmp_path / "chat.db", max_token_limit=1000)
    assert (again.buffer, again.moving_summary_buffer) == (shown, summary)
    assert texts(again) == SAID
    again.close()


def test_tool_calls_do_not_vanish():
    memory = ConversationCompactionMemory(return_messages=True)
    call = AIMessage("", tool_calls=[{"id": "c1", "name": "tide", "args": {}}])
    memory.save_context({"input": HumanMessage("tide?")}, {"output": call})
    kept = memory.session.history()[-1]
    assert [block.name for block in kept.tool_calls] == ["tide"]
