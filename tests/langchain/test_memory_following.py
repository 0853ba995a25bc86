"""A memory with ``chat_memory=``: imported once, then followed, and written to behind the archive."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from context_compaction import ArchiveError, open_archive
from langchain_compaction import ConversationCompactionMemory
from tests.langchain.memories import KeptHistory

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

EARLIER = [HumanMessage("ahoy"), AIMessage("hello")]
LATER = [HumanMessage("and?"), AIMessage("you")]


def texts(memory: ConversationCompactionMemory) -> list[str]:
    return [message.text for message in memory.session.history()]


def following(history: KeptHistory, **options: Any) -> ConversationCompactionMemory:
    return ConversationCompactionMemory(chat_memory=history, return_messages=True, **options)


def test_it_is_imported_when_the_memory_is_made():
    memory = following(KeptHistory(EARLIER))
    assert texts(memory) == ["ahoy", "hello"]


def test_a_memory_made_again_imports_nothing_twice(tmp_path: Path):
    history = KeptHistory(EARLIER)
    for number in range(3):
        memory = following(history, archive=tmp_path / "chat.db")
        assert len(memory.session.history()) == 2 + 2 * number
        memory.save_context({"input": f"turn {number}"}, {"output": "yes"})
        memory.close()
    assert len(history.said) == 8


@pytest.mark.parametrize("seen_by", ["load", "save", "prune"])
def test_what_others_add_is_taken_up(seen_by: str):
    history = KeptHistory(EARLIER)
    memory = following(history)
    history.add_messages(LATER)
    if seen_by == "load":
        assert memory.buffer == [*EARLIER, *LATER]
    elif seen_by == "prune":
        memory.prune()
    else:
        memory.save_context({"input": "x"}, {"output": "y"})
    assert texts(memory)[:4] == ["ahoy", "hello", "and?", "you"]
    assert texts(memory)[4:] == (["x", "y"] if seen_by == "save" else [])


def test_the_same_words_again_are_a_turn_of_their_own():
    history = KeptHistory()
    memory = following(history)
    for _ in range(5):
        memory.save_context({"input": "ok?"}, {"output": "ok"})
        assert memory.buffer == history.said
    assert len(memory.session.history()) == 10
    assert len(memory.session.branches()) == 1


def test_what_is_removed_there_is_shown_no_more_and_deleted_nowhere():
    history = KeptHistory([*EARLIER, *LATER])
    memory = following(history)
    history.clear()
    assert memory.buffer == []
    history.add_messages([HumanMessage("new")])
    assert memory.buffer == [HumanMessage("new")]
    first = memory.session.branches()[0]
    assert [message.text for message in memory.session.history(first.id)] == ["ahoy", "hello", "and?", "you"]


@pytest.mark.parametrize("taken", [0, 1, 2], ids=["none", "one", "all"])
def test_a_history_that_fails_loses_nothing_and_gets_it_with_the_next_turn(taken: int):
    history = KeptHistory(EARLIER)
    memory = following(history)
    history.fails_at = taken
    with pytest.raises(OSError, match="disk full"):
        memory.save_context({"input": "x"}, {"output": "y"})
    assert texts(memory) == ["ahoy", "hello", "x", "y"]
    assert memory.buffer[-2:] == [HumanMessage("x"), AIMessage("y")], "it is shown, too"
    history.fails_at = None
    memory.save_context({"input": "v"}, {"output": "w"})
    assert [message.content for message in history.said] == ["ahoy", "hello", "x", "y", "v", "w"]
    assert texts(memory) == ["ahoy", "hello", "x", "y", "v", "w"]
    assert len(memory.session.branches()) == 1


def test_what_is_owed_to_it_grows_while_it_fails():
    history = KeptHistory()
    memory = following(history)
    history.fails_at = 0
    for number in range(3):
        with pytest.raises(OSError, match="disk full"):
            memory.save_context({"input": f"x{number}"}, {"output": f"y{number}"})
    history.fails_at = None
    memory.save_context({"input": "x3"}, {"output": "y3"})
    assert [message.content for message in history.said] == texts(memory)
    assert len(history.said) == 8


def test_a_history_that_cannot_be_read_ends_the_making_of_a_memory(monkeypatch: pytest.MonkeyPatch):
    """... and leaves no archive open."""

    class Unreadable(KeptHistory):
        @property
        def messages(self) -> list[BaseMessage]:  # pyright: ignore[reportIncompatibleVariableOverride]
            raise OSError("no such table")

    opened = open_archive(":memory:")
    monkeypatch.setattr("langchain_compaction.memory.memory.open_archive", lambda place: opened)
    with pytest.raises(OSError, match="no such table"):
        following(Unreadable())
    with pytest.raises(ArchiveError, match="closed"):
        opened.sessions()


def test_the_history_stays_the_users():
    history = KeptHistory()
    assert following(history).chat_memory is history


def test_a_history_is_not_written_to_before_the_archive():
    class Watched(KeptHistory):
        def add_messages(self, messages: Sequence[BaseMessage]) -> None:
            assert len(memory.session.history()) == len(self.said) + len(messages)
            super().add_messages(messages)

    memory = following(history := Watched())
    memory.save_context({"input": "x"}, {"output": "y"})
    assert len(history.said) == 2


def test_what_the_archive_does_not_take_the_history_does_not_get(tmp_path: Path):
    history = KeptHistory(EARLIER)
    memory = following(history, archive=tmp_path / "chat.db")
    memory._sessions.archive.close()
    with pytest.raises(ArchiveError):
        memory.save_context({"input": "x"}, {"output": "y"})
    assert history.said == EARLIER


async def test_clear_clears_it_too():
    history = KeptHistory(EARLIER)
    memory = following(history)
    history.fails_at = 0
    with pytest.raises(OSError, match="disk full"):
        memory.save_context({"input": "x"}, {"output": "y"})
    history.fails_at = None
    await memory.aclear()
    assert (history.said, memory.buffer) == ([], [])
    memory.save_context({"input": "v"}, {"output": "w"})
    assert [message.content for message in history.said] == ["v", "w"]
