"""Histories of LangChain and checkpoints of LangGraph become sessions, each message once."""

from __future__ import annotations

import json
import sqlite3
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from context_compaction import Budget, DuplicateMessage, InvalidMessage, Session, open_archive
from langchain_compaction import (
    MissingPackage,
    NotMessages,
    import_history,
    import_sql_histories,
    to_langchain,
)

BUDGET = Budget(context_window=100_000)
TALK: list[BaseMessage] = [
    SystemMessage("be brief"),
    HumanMessage("look", name="ann"),
    AIMessage("", tool_calls=[{"id": "c1", "name": "look", "args": {"at": "it"}}]),
    ToolMessage("seen", tool_call_id="c1", name="look", status="error", artifact={"size": 3}),
    AIMessage("There it is.", response_metadata={"model": "m"}),
]


def of(package: str, name: str, *arguments: Any, **more: Any) -> Any:
    """A history of upstream's, whose classes warn of their own end when they are made."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(__import__(package, fromlist=[name]), name)(*arguments, **more)


def in_memory(_: Path) -> Any:
    return of("langchain_core.chat_history", "InMemoryChatMessageHistory")


def in_file(folder: Path) -> Any:
    return of(
        "langchain_community.chat_message_histories", "FileChatMessageHistory", str(folder / "chat.json")
    )


def in_sql(folder: Path, session_id: str = "s1") -> Any:
    url = f"sqlite:///{folder / 'chat.db'}"
    return of(
        "langchain_community.chat_message_histories", "SQLChatMessageHistory", session_id, connection=url
    )


def held(session: Session) -> list[BaseMessage]:
    return [to_langchain(message) for message in session.history()]


@pytest.fixture
def session() -> Any:
    with Session(":memory:", budget=BUDGET) as opened:
        yield opened


# -- one history -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [in_memory, in_file, in_sql])
def test_a_history_once_and_then_what_is_new(make: Any, session: Session, tmp_path: Path) -> None:
    history = make(tmp_path)
    history.add_messages(TALK)
    assert import_history(session, history) == 5
    assert held(session) == TALK
    assert import_history(session, history) == 0
    history.add_messages([HumanMessage("look"), AIMessage("There it is.")])
    assert import_history(session, history) == 2
    assert import_history(session, history) == 0
    assert held(session) == history.messages
    if make is in_sql:
        history.engine.dispose()


def test_a_file_by_its_path(session: Session, tmp_path: Path) -> None:
    in_file(tmp_path).add_messages(TALK)
    assert import_history(session, tmp_path / "chat.json") == 5
    assert import_history(session, str(tmp_path / "chat.json")) == 0
    assert held(session) == TALK


def test_a_list_of_messages(session: Session) -> None:
    assert import_history(session, TALK) == 5
    assert import_history(session, []) == 0
    assert import_history(session, [*TALK, ("user", "more"), {"role": "assistant", "content": "yes"}]) == 2
    assert [message.content for message in held(session)[5:]] == ["more", "yes"]


def test_a_session_that_went_on_is_added_to_and_never_forked(session: Session) -> None:
    import_history(session, TALK)
    session.append([{"role": "user", "content": "said here"}])
    assert import_history(session, TALK) == 0
    assert import_history(session, [*TALK, HumanMessage("said there")]) == 1
    assert [message.text for message in session.history()][-2:] == ["said here", "said there"]
    assert len(session.branches()) == 1


def test_messages_that_say_the_same_are_each_kept(session: Session) -> None:
    again = [HumanMessage("yes"), AIMessage("ok"), HumanMessage("yes"), AIMessage("ok"), HumanMessage("yes")]
    assert import_history(session, again[:3]) == 3
    assert import_history(session, again) == 2
    assert held(session) == again


def test_a_history_trimmed_at_its_beginning(session: Session) -> None:
    import_history(session, TALK)
    assert import_history(session, [*TALK[3:], HumanMessage("new")]) == 1
    assert held(session) == [*TALK, HumanMessage("new")]


def test_a_word_that_was_said_before_is_said_again(session: Session) -> None:
    """What merely says the same somewhere in between is no trace of an earlier import."""
    import_history(session, [HumanMessage("good morning"), HumanMessage("yes"), AIMessage("fine")])
    assert import_history(session, [HumanMessage("yes"), AIMessage("as you wish")]) == 2
    assert len(held(session)) == 5


def test_ids_are_known_wherever_they_stand(session: Session) -> None:
    talk = [HumanMessage(f"turn {place}", id=f"h{place}") for place in range(6)]
    import_history(session, talk[:4])
    assert import_history(session, [talk[2], talk[5], talk[0], talk[4], talk[4]]) == 2
    assert [message.id for message in held(session)] == ["h0", "h1", "h2", "h3", "h5", "h4"]
    assert import_history(session, [HumanMessage("turn 4", id="said once more")]) == 1
    with pytest.raises(DuplicateMessage, match="'h1'"):
        import_history(session, [HumanMessage("new", id="h9"), HumanMessage("other words", id="h1")])
    assert len(held(session)) == 7


def _written(text: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / "odd.json"
        path.write_text(text, encoding="utf-8")
        return path

    return write


GOOD = '{"type": "human", "data": {"content": "hello"}}'


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (_written("{"), InvalidMessage, r"odd\.json is no JSON"),
        (_written('{"a": 1}'), InvalidMessage, "holds dict, not a list"),
        (_written(f'[{GOOD}, {{"type": "alien", "data": {{}}}}]'), InvalidMessage, "message 1: .*alien"),
        (_written(f"[{GOOD}, {GOOD}, 7]"), InvalidMessage, "message 2: "),
        (_written(f'[{GOOD}, {{"type": "ai", "data": {{"content": 7}}}}]'), InvalidMessage, "message 1: "),
        (_written(f'[{GOOD}, {{"type": "remove", "data": {{"id": "x"}}}}]'), InvalidMessage, "message 1: "),
        (lambda folder: folder / "missing.json", FileNotFoundError, "missing"),
        (lambda _: 7, NotMessages, "the history is int"),
        (lambda _: [HumanMessage("a"), 7], NotMessages, "the history"),
    ],
)
def test_what_cannot_be_read_names_its_place_and_nothing_is_stored(
    make: Any, error: Any, says: str, session: Session, tmp_path: Path
) -> None:
    with pytest.raises(error, match=says):
        import_history(session, make(tmp_path))
    assert session.history() == []


# -- a table of them -------------------------------------------------------------------------------------


def table(folder: Path, rows: list[tuple[Any, Any]], name: str = "message_store") -> Path:
    """A table as SQLChatMessageHistory makes it, with rows that it would not write."""
    path, name = folder / "rows.db", name.replace('"', '""')
    connection = sqlite3.connect(path)
    connection.execute(f'CREATE TABLE "{name}" (id INTEGER PRIMARY KEY, session_id TEXT, message TEXT)')
    connection.executemany(f'INSERT INTO "{name}" (session_id, message) VALUES (?, ?)', rows)
    connection.commit()
    connection.close()
    return path


@pytest.mark.parametrize("by", ["path", "text", "url", "engine"])
def test_every_session_of_a_table(by: str, tmp_path: Path) -> None:
    import sqlalchemy

    histories = {name: in_sql(tmp_path, name) for name in ("s1", "s2", "s3")}
    for turn, message in enumerate(TALK):  # their rows are mixed
        for name in ("s1", "s2"):
            histories[name].add_messages([message, HumanMessage(f"{turn} of {name}")])
    path = tmp_path / "chat.db"
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")
    database = {"path": path, "text": str(path), "url": f"sqlite:///{path}", "engine": engine}[by]
    with open_archive(":memory:") as archive:
        assert import_sql_histories(archive, database, namespace="ann") == {"s1": 10, "s2": 10}
        assert import_sql_histories(archive, database, namespace="ann") == {"s1": 0, "s2": 0}
        histories["s2"].add_messages([HumanMessage("new")])
        assert import_sql_histories(archive, database, namespace="ann") == {"s1": 0, "s2": 1}
        assert archive.sessions("ann") == [("ann", "s1"), ("ann", "s2")]
        for name in ("s1", "s2"):
            with Session(archive, name, "ann", budget=BUDGET) as session:
                assert held(session) == histories[name].messages
    engine.dispose()
    for history in histories.values():
        history.engine.dispose()


def test_an_archive_by_its_path_and_a_table_of_another_name(tmp_path: Path) -> None:
    database = table(tmp_path, [("s1", GOOD)], 'odd "name"; DROP')
    path = tmp_path / "archive.db"
    assert import_sql_histories(path, database, 'odd "name"; DROP') == {"s1": 1}
    with Session(path, "s1", budget=BUDGET) as session:
        assert held(session) == [HumanMessage("hello")]


@pytest.mark.parametrize("bad", ["{", '{"type": "alien", "data": {}}', None, "[]"])
def test_a_row_that_cannot_be_read_names_its_session_and_place(bad: Any, tmp_path: Path) -> None:
    database = table(tmp_path, [("s1", GOOD), ("s2", GOOD), ("s2", bad), ("s3", GOOD)])
    with open_archive(":memory:") as archive:
        with pytest.raises(InvalidMessage, match="message 1: of session 's2': ") as caught:
            import_sql_histories(archive, database)
        assert caught.value.index == 1
        assert [name for _, name in archive.sessions()] == ["s1"]


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with open_archive(":memory:") as archive, pytest.raises(sqlite3.OperationalError, match="unable to open"):
        import_sql_histories(archive, tmp_path / "missing.db")
    assert list(tmp_path.iterdir()) == []


def test_without_sqlalchemy_a_url_says_what_is_missing(monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    database = table(tmp_path, [("s1", json.dumps(json.loads(GOOD)))])
    with open_archive(":memory:") as archive:
        with pytest.raises(MissingPackage, match="pip install sqlalchemy"):
            import_sql_histories(archive, f"sqlite:///{database}")
        assert import_sql_histories(archive, database) == {"s1": 1}
