"""A conversation begun in LangChain goes on in LlamaIndex, on the same archive, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from context_compaction import Budget, Message, Session, open_archive
from langchain_compaction import CompactionChatMessageHistory, ConversationCompactionMemory
from llamaindex_compaction import CompactionMemory
from tests.langchain import said as langchain_said
from tests.llamaindex import said as llamaindex_said
from tests.llamaindex.chatting import answer, texts, tool_turns, turns, user

if TYPE_CHECKING:
    from llama_index.core.base.llms.types import ChatMessage

LIMIT = 1000


def said_by(session: Session) -> list[tuple[Any, ...]]:
    """Who said what: nothing of it depends on the framework."""
    return [(message.role, message.name, message.blocks) for message in session.history()]


def test_there_and_back(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    place: dict[str, Any] = {"archive": path, "session_id": "ada"}
    there = ConversationCompactionMemory(max_token_limit=LIMIT, **place)
    for question, reply in turns(20):
        there.save_context({"input": question.content}, {"output": reply.content})
    before = said_by(there.session)
    shown = [message.text for message in there.session.context()]
    there.close()

    here = CompactionMemory.from_defaults(token_limit=LIMIT, **place)
    assert texts(here.get()) == shown
    assert said_by(here.session) == before
    assert any("captain 3." in str(hit) for hit in here.recall("captain 3"))
    for turn in tool_turns(20):
        here.put_messages(turn)
    assert [message.content for message in here.get_all()[:40]] == [text for _, _, [text] in _texts(before)]
    now = said_by(here.session)
    assert now[:40] == before
    shown = texts(here.get())
    here.close()

    back = CompactionChatMessageHistory("ada", path, max_tokens=LIMIT)
    assert [message.text for message in back.messages] == [str(text or "") for text in shown]
    assert said_by(back.session) == now
    kinds = [type(message) for message in back.archived_messages[-4:]]
    assert kinds == [HumanMessage, AIMessage, ToolMessage, AIMessage]
    assert back.archived_messages[-3].tool_calls[0]["args"] == {"at": "boat-19"}  # type: ignore[union-attr]
    back.add_user_message("And now?")
    back.session.close()
    assert CompactionMemory.from_defaults(token_limit=LIMIT, **place).get()[-1] == user("And now?")


def _texts(said: list[tuple[Any, ...]]) -> list[tuple[Any, Any, list[str]]]:
    return [(role, name, [block.text for block in blocks]) for role, name, blocks in said]


@given(st.lists(langchain_said.messages, min_size=1, max_size=4))
@example([HumanMessage(""), HumanMessage(""), HumanMessage("", name="ann")])
@settings(max_examples=25)
def test_what_langchain_said_can_be_set_again_in_llamaindex(messages: list[Any]) -> None:
    """``run(chat_history=memory.get_all())`` makes no branch of a conversation that began elsewhere."""
    from langchain_compaction.messages import read_all

    with open_archive(":memory:") as archive:
        for place, message in enumerate(messages):
            message.id = f"{place}/{message.id}"
        with Session(archive, "s", budget=Budget(1_000_000)) as session:
            session.append(read_all(messages))
        memory = CompactionMemory.from_defaults(session_id="s", archive=archive, token_limit=1_000_000)
        memory.set([*memory.get_all(), user("And now?")])
        branches = memory.session.branches()
        assert (len(branches), branches[0].last_seq) == (1, len(messages) + 1)


@given(st.lists(llamaindex_said.messages, min_size=1, max_size=4))
@settings(max_examples=25)
def test_what_llamaindex_said_is_the_same_in_langchain(messages: list[ChatMessage]) -> None:
    """Read and written by LangChain's face, it says the same."""
    from langchain_compaction import from_langchain, to_langchain

    memory = CompactionMemory.from_defaults(token_limit=1_000_000)
    memory.put_messages(messages)
    for message in memory.session.history():
        again = from_langchain(to_langchain(message))
        assert _plain(again) == _plain(message)
    memory.close()


def _plain(message: Message) -> tuple[Any, ...]:
    """Calls stand behind what is said in LangChain, and no text beside calls is as good as an empty one."""
    calls = [(call.id, call.name) for call in message.tool_calls]
    rest = [block for block in message.blocks if block not in message.tool_calls]
    texts = [getattr(block, "text", getattr(block, "content", "media")) for block in rest]
    return message.role, sorted(calls), [text for text in texts if text]


@pytest.mark.parametrize("first", ["langchain", "llamaindex"])
def test_both_at_once_on_one_session(first: str, tmp_path: Path) -> None:
    """Two programs, one conversation: each shows what the other added."""
    archive = open_archive(tmp_path / "chat.db")
    there = CompactionChatMessageHistory("s", archive, max_tokens=LIMIT)
    here = CompactionMemory.from_defaults(session_id="s", archive=archive, token_limit=LIMIT)
    expected: list[str] = []
    for number in range(20):
        if (number % 2 == 0) == (first == "langchain"):
            there.add_messages([HumanMessage(f"asks {number}"), AIMessage(f"told {number} " * 30)])
        else:
            here.put_messages([user(f"asks {number}"), answer(f"told {number} " * 30)])
        expected += [f"asks {number}", f"told {number} " * 30]
        assert [message.text for message in there.messages] == texts(here.get())
    assert texts(here.get_all()) == expected
    archive.close()
