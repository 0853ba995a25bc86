"""What LlamaIndex's own memories and stores hold, in sessions: whole messages, each once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.base.llms import types as li
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.memory import ChatMemoryBuffer, Memory
from llama_index.core.storage.chat_store import SimpleChatStore

from context_compaction import Budget, InvalidMessage, Session, open_archive
from llamaindex_compaction import (
    CompactionMemory,
    import_chat_store,
    import_memory,
    import_sql_memory,
)
from llamaindex_compaction.messages import write_all
from tests.llamaindex.chatting import answer, called, result, turns, user

BUDGET = Budget(100_000)
SAID = [
    user("look", name="ann"),
    called("c1", at="boat"),
    result("c1", "it floats"),
    ChatMessage(role="assistant", blocks=[li.TextBlock(text="so"), li.ImageBlock(image=b"abc")]),
]


def history(archive: Any, session_id: str) -> list[ChatMessage]:
    with Session(archive, session_id, budget=BUDGET) as session:
        return write_all(session.history())


async def filled(memory: Memory, said: list[ChatMessage]) -> Memory:
    for message in said:
        await memory.aput(message)
    return memory


async def test_the_table_of_memory_with_what_it_archived(tmp_path: Path, stock: Callable[..., Memory]):
    path = tmp_path / "llama.db"
    uri = f"sqlite+aiosqlite:///{path}"
    said = [*SAID, *(message for turn in turns(20) for message in turn)]
    ada = await filled(
        stock(session_id="ada", async_database_uri=uri, token_limit=500, token_flush_size=100), said
    )
    await filled(stock(session_id="bob", async_database_uri=uri), SAID[:1])
    assert len(await ada.aget_all()) > len(await ada.aget())
    with open_archive(":memory:") as archive:
        assert import_sql_memory(archive, path) == {"ada": len(said), "bob": 1}
        assert history(archive, "ada") == await ada.aget_all()
        assert import_sql_memory(archive, path) == {"ada": 0, "bob": 0}
        await ada.aput(user("And now?"))
        assert import_sql_memory(archive, f"sqlite:///{path}") == {"ada": 1, "bob": 0}


async def test_a_memory_that_is_there(tmp_path: Path):
    memory = ChatMemoryBuffer.from_defaults(chat_history=list(SAID))
    with Session(":memory:", budget=BUDGET) as session:
        assert import_memory(session, memory) == 4
        assert write_all(session.history()) == SAID
        memory.put(answer("yes"))
        assert import_memory(session, memory) == 1
        assert import_memory(session, [*SAID, answer("yes"), user("and?")]) == 1


def test_a_chat_store_that_is_there():
    store = SimpleChatStore(store={"ada": list(SAID), "bob": [user("hello")]})
    with open_archive(":memory:") as archive:
        assert import_chat_store(archive, store) == {"ada": 4, "bob": 1}
        assert history(archive, "ada") == SAID
        store.add_message("bob", answer("yes"))
        assert import_chat_store(archive, store) == {"ada": 0, "bob": 1}


def persisted(path: Path, **conversations: list[ChatMessage]) -> Path:
    """As `SimpleChatStore.persist` writes it, which fails since pydantic 2.14."""
    store = {key: [json.loads(m.model_dump_json()) for m in said] for key, said in conversations.items()}
    path.write_text(json.dumps({"store": store, "class_name": "SimpleChatStore"}), encoding="utf-8")
    return path


def test_the_file_of_a_chat_store(tmp_path: Path):
    path = persisted(tmp_path / "store.json", ada=SAID, bob=[user("hello")])
    archive = tmp_path / "chat.db"
    assert import_chat_store(archive, path) == {"ada": 4, "bob": 1}
    assert import_chat_store(archive, str(path)) == {"ada": 0, "bob": 0}
    memory = CompactionMemory.from_defaults(session_id="ada", archive=archive)
    assert memory.get_all() == SAID
    memory.close()


def test_messages_from_before_there_were_blocks(tmp_path: Path):
    path = tmp_path / "store.json"
    old = {"role": "user", "content": "hello", "additional_kwargs": {}}
    path.write_text(json.dumps(json.dumps({"store": {"ada": [old]}})), encoding="utf-8")
    with open_archive(":memory:") as archive:
        assert import_chat_store(archive, path) == {"ada": 1}
        assert history(archive, "ada") == [user("hello")]


def test_a_picture_whose_file_is_gone_is_imported(tmp_path: Path):
    picture = tmp_path / "a.png"
    picture.write_bytes(b"abc")
    said = [ChatMessage(blocks=[li.ImageBlock(path=picture)])]
    path = persisted(tmp_path / "store.json", ada=said)
    picture.unlink()
    with open_archive(":memory:") as archive:
        assert import_chat_store(archive, path) == {"ada": 1}
        assert history(archive, "ada") == said


@pytest.mark.parametrize(
    "bad",
    [
        {"role": "user", "blocks": [{"block_type": "hologram"}]},
        {"role": "king", "blocks": []},
        {"blocks": []},
        {"role": "user", "blocks": [{"block_type": "text"}]},
        {"role": "user", "blocks": [], "additional_kwargs": 7},
        "text",
        None,
    ],
    ids=repr,
)
def test_what_is_no_message_is_told_with_its_place(bad: Any, tmp_path: Path):
    path = persisted(tmp_path / "store.json", ada=[user("hello")], bob=[user("hello")])
    data = json.loads(path.read_text())
    data["store"]["bob"].append(bad)
    path.write_text(json.dumps(data))
    with open_archive(":memory:") as archive:
        with pytest.raises(InvalidMessage, match="message 1: of session 'bob'"):
            import_chat_store(archive, path)
        assert archive.sessions() == [("default", "ada")]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"store": []}', "7", '{"store": {"k": null}}'])
def test_what_is_no_store_is_told(text: str, tmp_path: Path):
    path = tmp_path / "store.json"
    path.write_text(text)
    with pytest.raises(InvalidMessage, match=r"store\.json"):
        import_chat_store(":memory:", path)


def test_what_is_no_database_is_told(tmp_path: Path):
    with pytest.raises(sqlite3.OperationalError):
        import_sql_memory(":memory:", tmp_path / "none.db")
    assert list(tmp_path.iterdir()) == []


def test_a_row_that_is_no_json_is_told_with_its_place(tmp_path: Path):
    path = tmp_path / "llama.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE llama_index_memory (id, key, timestamp, role, status, data)")
        connection.execute("INSERT INTO llama_index_memory VALUES (1, 'ada', 1, 'user', 'active', '{')")
    connection.close()
    with pytest.raises(InvalidMessage, match="of session 'ada': this row is no JSON"):
        import_sql_memory(":memory:", path)
