"""An archive that goes away, one that others write to or erase: told by type, and nothing kept is lost."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from context_compaction import ArchiveError, ArchiveUnavailable, open_archive
from langchain_compaction import ConversationCompactionMemory
from tests.langchain import memories

ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from langchain_compaction import ConversationCompactionMemory
memory = ConversationCompactionMemory(archive=sys.argv[1], max_token_limit=600)
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    memory.save_context({"input": f"{sys.argv[2]} asks {number}"}, {"output": f"to {sys.argv[2]}: {number}"})
    memory.load_memory_variables({})
memory.close()
"""


def texts(memory: ConversationCompactionMemory) -> list[str]:
    return [message.text for message in memory.session.history()]


def test_an_archive_that_goes_away_mid_chain(tmp_path: Path):
    path = tmp_path / "chat.db"
    archive = open_archive(path)
    memory = ConversationCompactionMemory(archive=archive)
    chain = memories.conversation(memory, "hello")
    chain.invoke({"input": "ahoy"})
    memory.load_memory_variables({})
    archive.close()
    with pytest.raises(ArchiveError):
        memory.save_context({"input": "who?"}, {"output": "me"})
    with pytest.raises(ArchiveError):
        chain.invoke({"input": "who?"})
    again = ConversationCompactionMemory(archive=path)
    assert texts(again) == ["ahoy", "hello"]
    again.close()


def test_an_archive_that_goes_away_behind_a_turn_fails_no_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """The turn is kept; what fails is getting ahead of the next one."""
    archive = open_archive(tmp_path / "chat.db")
    memory = ConversationCompactionMemory(archive=archive, max_token_limit=300)
    append = memory.session.append

    def append_and_lose(messages: Any) -> None:
        append(messages)
        archive.close()

    monkeypatch.setattr(memory.session, "append", append_and_lose)
    memory.save_context({"input": "boat " * 200}, {"output": "captain " * 70})
    assert "no post-turn compaction" in caplog.text
    again = ConversationCompactionMemory(archive=tmp_path / "chat.db")
    assert len(again.session.history()) == 2
    again.close()


def test_a_folder_that_is_not_there(tmp_path: Path):
    with pytest.raises(ArchiveUnavailable):
        ConversationCompactionMemory(archive=tmp_path / "none" / "chat.db")


def test_two_processes_on_one_session_lose_nothing(tmp_path: Path):
    path, turns = tmp_path / "chat.db", 15
    ConversationCompactionMemory(archive=path).close()
    writers = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", WRITER, str(path), name, str(turns)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("ada", "bob")
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    errors = _released(writers)
    assert errors == ["", ""]
    memory = ConversationCompactionMemory(archive=path, max_token_limit=600)
    kept = texts(memory)
    for name in ("ada", "bob"):
        asked = [text for text in kept if text.startswith(f"{name} asks")]
        assert asked == [f"{name} asks {number}" for number in range(turns)]
    pairs = zip(kept[::2], kept[1::2], strict=True)
    assert all(asked.split(" asks ") == told[3:].split(": ") for asked, told in pairs), "turns are whole"
    assert memory.session.stats.tokens_seen <= 600
    memory.close()


def _released(writers: list[subprocess.Popen[str]]) -> list[str]:
    """What each says on its standard error, having written all at the same time."""
    errors = [""] * len(writers)

    def wait(place: int) -> None:
        errors[place] = writers[place].communicate("go\n", timeout=120)[1]

    threads = [threading.Thread(target=wait, args=(place,)) for place in range(len(writers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


@pytest.mark.parametrize("then", ["load", "save", "recall", "prune", "summary", "clear"])
def test_a_session_that_another_memory_erased_begins_anew(tmp_path: Path, then: str):
    path = tmp_path / "chat.db"
    ours, theirs = (ConversationCompactionMemory(archive=path, max_token_limit=600) for _ in range(2))
    for number in range(40):
        ours.save_context({"input": f"boat {number} " * 5}, {"output": f"captain {number}"})
    theirs.clear()
    if then == "load":
        assert ours.load_memory_variables({}) == {"history": ""}
    elif then == "recall":
        assert ours.recall("boat") == []
    elif then == "prune":
        ours.prune()
    elif then == "summary":
        assert ours.moving_summary_buffer == ""
    elif then == "clear":
        ours.clear()
    ours.save_context({"input": "ahoy"}, {"output": "hello"})
    assert texts(ours) == ["ahoy", "hello"]
    assert theirs.buffer == "Human: ahoy\nAI: hello"
    ours.close()
    theirs.close()


def test_threads_of_one_memory_that_follows_a_history():
    history = memories.KeptHistory()
    memory = ConversationCompactionMemory(chat_memory=history)

    def talk(name: str) -> None:
        for number in range(10):
            memory.save_context({"input": f"{name} {number}"}, {"output": "yes"})
            memory.load_memory_variables({})

    threads = [threading.Thread(target=talk, args=(name,)) for name in ("ada", "bob", "cy")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts(memory) == [message.content for message in history.said]
    assert len(history.said) == 60
    assert len(memory.session.branches()) == 1
