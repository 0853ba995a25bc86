"""Bad input through the public door: a typed error says what, where, what to do; nothing is half written.

What misbehaving drafters come to, one by one, is in `tests/session/test_outcomes.py`; every form of a bad
message in `tests/messages/test_openai.py`; every way a file can be wrong in `tests/archive/test_files.py`.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from context_compaction import Budget, Message, Policy, Session, SQLiteArchive, Usage, compact, open_archive
from context_compaction.archive.sqlite import opening
from context_compaction.errors import (
    ArchiveCorrupt,
    ArchiveError,
    ArchiveTooNew,
    ArchiveUnavailable,
    CompactionError,
    InvalidBudget,
    InvalidMessage,
    InvalidPolicy,
    QueryError,
    UnknownReference,
)
from context_compaction.policy import layered
from tests.session.talks import dicts, session, turns
from tests.windows import WORDS, assistant, user

CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
BAD_MESSAGES: dict[str, tuple[Any, str]] = {
    "unknown role": ({"role": "narrator", "content": "x"}, "unknown role 'narrator'; use one of system"),
    "no role": ({"content": "x"}, "unknown role None; use one of"),
    "content missing": ({"role": "user"}, "user message: content is missing or null"),
    "content null": ({"role": "assistant", "content": None}, "assistant message: content is missing or null"),
    "content a number": ({"role": "user", "content": 5}, "content must be a string, a list of parts or null"),
    "result without id": ({"role": "tool", "content": "x"}, "tool result without tool_call_id"),
    "result with an empty id": ({"role": "tool", "tool_call_id": "", "content": "x"}, "without tool_call_id"),
    "call without id": (
        {"role": "assistant", "tool_calls": [{"function": {"name": "f"}}]},
        "call without id",
    ),
    "no message": ("hello", "expected a dict in OpenAI's chat format or a Message, not str"),
    "no JSON": ({"role": "user", "content": "x", "score": float("inf")}, "not JSON"),
}


@pytest.mark.parametrize("case", BAD_MESSAGES)
def test_a_bad_message_is_named_and_nothing_is_stored(case: str) -> None:
    """What is wrong, at which index; log, context, events and pending calls are as they were."""
    bad, words = BAD_MESSAGES[case]
    s = session()
    said = [*turns(1, 2), user("look"), {"role": "assistant", "content": None, "tool_calls": [CALL]}]
    s.append(said)
    before = (s.stats, s.context(), s.view)
    with pytest.raises(InvalidMessage) as caught:
        s.append([user("fine"), bad, user("also fine")])
    assert str(caught.value).startswith("message 1: ")
    assert words in str(caught.value)
    assert caught.value.index == 1
    assert (s.stats, s.context(), s.view) == before
    assert dicts(s.history()) == said


@pytest.mark.parametrize("case", BAD_MESSAGES)
def test_stateless_use_names_it_too(case: str) -> None:
    bad, words = BAD_MESSAGES[case]
    with pytest.raises(InvalidMessage) as caught:
        compact([user("fine"), user("fine"), bad], budget=Budget(1000), counter=WORDS)
    assert words in str(caught.value)
    assert caught.value.index == 2


@pytest.mark.parametrize(
    "fine",
    [
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "assistant", "content": None, "reasoning": "hm"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}]},
        {"role": "user", "content": ""},
        {"role": "tool", "tool_call_id": "c", "content": ""},
    ],
    ids=["calls", "reasoning", "media", "empty text", "empty result"],
)
def test_content_may_be_empty_where_something_else_is_said(fine: dict[str, Any]) -> None:
    """Null with calls, reasoning or media, and empty text, are no errors and come back as they were."""
    s = session()
    s.append([user("hello"), fine])
    assert dicts(s.history()) == [user("hello"), fine]


BAD_BUDGETS: dict[str, tuple[dict[str, Any], str]] = {
    "window zero": ({"context_window": 0}, "context_window is 0"),
    "window negative": ({"context_window": -8192}, "context_window is -8192"),
    "reserve over window": ({"context_window": 1000, "reserve_tokens": 1001}, "reserve_tokens 1001"),
    "reserve is the window": ({"context_window": 1000, "reserve_tokens": 1000}, "nothing is left for input"),
    "reserve negative": ({"context_window": 1000, "reserve_tokens": -1}, "negative"),
    "overhead negative": ({"context_window": 1000, "overhead_tokens": -1}, "negative"),
    "window no number": ({"context_window": "8k"}, "context_window is '8k'; it must be a whole number"),
    "window missing": ({"context_window": None}, "context_window is None"),
    "window a flag": ({"context_window": True}, "context_window is True"),
    "reserve a fraction": ({"context_window": 1000, "reserve_tokens": 0.2}, "reserve_tokens is 0.2"),
    "overhead no number": (
        {"context_window": 1000, "overhead_tokens": float("nan")},
        "is nan",
    ),
    "overhead over input": ({"context_window": 1000, "overhead_tokens": 900}, "overhead_tokens 900"),
}


@pytest.mark.parametrize("case", BAD_BUDGETS)
def test_a_budget_without_room_is_refused_when_it_is_made(case: str) -> None:
    """Typed, with the numbers; a `ValueError` for those who know nothing of us."""
    options, words = BAD_BUDGETS[case]
    with pytest.raises(InvalidBudget, match=words) as caught:
        Budget(**options)
    assert isinstance(caught.value, CompactionError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("overhead", [-1, 1000, 10_000, "5", 0.5])
def test_an_overhead_that_leaves_no_room_is_refused_at_the_call(overhead: Any) -> None:
    """And the session goes on without it."""
    s = session()
    s.append(turns(1, 2))
    with pytest.raises(InvalidBudget, match=str(overhead)):
        s.context(overhead=overhead)
    assert dicts(s.context()) == turns(1, 2)


def unreadable(path: Path) -> None:
    path.mkdir()


def no_file(path: Path) -> None:
    os.mkfifo(path)


def foreign(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE invoices (total INTEGER)")
    other.close()


def no_database(path: Path) -> None:
    path.write_bytes(b"Dear diary, today " * 400)


def newer(path: Path) -> None:
    SQLiteArchive(path).close()
    with sqlite3.connect(path) as future:
        future.execute("PRAGMA user_version = 99")
    future.close()


FILES: dict[str, tuple[Callable[[Path], None], type[ArchiveError], str]] = {
    "unreadable": (unreadable, ArchiveUnavailable, "name a file in it"),
    "no regular file": (no_file, ArchiveUnavailable, "name one, or one that is not there yet"),
    "foreign": (foreign, ArchiveCorrupt, "name another file"),
    "no database": (no_database, ArchiveCorrupt, "name another file"),
    "newer schema": (newer, ArchiveTooNew, "install a newer release"),
}


@pytest.mark.parametrize("use", [session, open_archive], ids=["session", "open_archive"])
@pytest.mark.parametrize("case", FILES)
def test_a_file_that_is_no_archive_is_refused_and_left_alone(
    case: str, use: Callable[[Path], object], tmp_path: Path
) -> None:
    """What it is, which file, what to do; not a byte of it is changed, nothing is left beside it."""
    make, error, advice = FILES[case]
    path = tmp_path / "chat.db"
    make(path)
    before, mode = path.read_bytes() if path.is_file() else None, path.stat().st_mode
    with pytest.raises(error, match=advice) as caught:
        use(path)
    assert str(path) in str(caught.value)
    assert isinstance(caught.value, CompactionError)
    assert (path.read_bytes() if path.is_file() else None) == before
    assert path.stat().st_mode == mode
    assert [found.name for found in tmp_path.iterdir()] == ["chat.db"]


@pytest.mark.parametrize("place", ["chat.db", ":memory:"])
def test_sqlite_without_fts5_is_told(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Search needs it: said at once, with what to install, not at the first query."""
    monkeypatch.setattr(opening, "SEARCH_MODULE", "fts5_that_is_not_there")
    where = place if place == ":memory:" else str(tmp_path / place)
    with pytest.raises(ArchiveUnavailable, match=r"without FTS5.*use a Python that bundles SQLite"):
        session(where)


def test_an_address_of_another_kind_is_told() -> None:
    with pytest.raises(ArchiveUnavailable, match="no archive is reached by ftp"):
        session("ftp://somewhere/chat.db")
    with pytest.raises(ArchiveUnavailable, match="is no path"):
        session("a\0b")
    with pytest.raises(TypeError, match="not int"):
        session(7)


def test_a_closed_session_says_so() -> None:
    s = session()
    s.close()
    with pytest.raises(ArchiveUnavailable):
        s.append(user("hello"))
    with pytest.raises(ArchiveUnavailable):
        s.history()


@pytest.mark.parametrize("ref", ["m:0", "m:5", "m:3-m:2", "m:2-m:9", "s:1", "x:1", "", "m:", "m:1, s:9"])
def test_an_unknown_reference_is_named_with_the_form_of_a_known_one(ref: str) -> None:
    s = session()
    s.append(turns(1, 2))
    with pytest.raises(UnknownReference, match="references look like 'm:57'") as caught:
        s.expand(ref)
    assert caught.value.ref in (ref, "s:9")


@pytest.mark.parametrize(("query", "k"), [(None, 8), (7, 8), ("word", 0), ("word", -1)])
def test_a_query_that_cannot_be_asked_is_told(query: Any, k: int) -> None:
    s = session()
    s.append(turns(1, 2))
    with pytest.raises(QueryError):
        s.recall(query, k)
    if not isinstance(query, str):
        with pytest.raises(QueryError, match="a question is text, not"):
            s.recall_for(query)


@pytest.mark.parametrize("usage", [{}, {"tokens": 5}, 7, "lots", {"input_tokens": -1}], ids=str)
def test_usage_that_says_nothing_is_left_out_and_fails_no_turn(
    usage: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The turn's compaction is made as if nothing had been reported; what was wrong is logged."""
    told, plain = session(), session()
    for s, report in ((told, usage), (plain, None)):
        s.append(turns(1, 9))
        s.context()
        assert s.after_turn(report) is not None
    assert told.stats == plain.stats
    assert "usage is left out: " in caplog.text


def test_negative_usage_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be negative"):
        Usage(-1)


BAD_POLICIES: dict[str, tuple[Callable[[], object], str]] = {
    "unknown preset": (lambda: Policy.named("magic"), "no preset 'magic'; there are layered"),
    "trigger over one": (lambda: layered(1.5), "trigger is 1.5"),
    "trigger negative": (lambda: layered(("tokens", -1)), "trigger is"),
    "unit unknown": (lambda: layered(("words", 5)), "give \\('tokens', n\\)"),  # type: ignore[arg-type]
    "target a flag": (lambda: layered(target=True), "target is True"),
    "no rule": (lambda: Policy(pre_turn="layered"), "is no rule; use layered"),  # type: ignore[arg-type]
    "post_turn unknown": (lambda: session(post_turn="later"), "use 'inline' or 'background'"),
}


@pytest.mark.parametrize("case", BAD_POLICIES)
def test_a_policy_that_means_nothing_is_refused_when_it_is_made(case: str) -> None:
    make, words = BAD_POLICIES[case]
    with pytest.raises(InvalidPolicy, match=words):
        make()


@pytest.mark.parametrize("drafter", [7, "gpt", {}, [None]], ids=["number", "name", "dict", "list"])
def test_what_is_no_drafter_is_refused_when_the_session_is_made(drafter: Any) -> None:
    with pytest.raises(TypeError, match="drafter"):
        session(drafter=drafter)


@pytest.mark.parametrize("count", [lambda text: -1, lambda text: 1.5, lambda text: None])
def test_a_counter_that_does_not_count_is_told(count: Any) -> None:
    """At the first message, of which nothing is stored."""
    s = session(counter=count)
    with pytest.raises((TypeError, ValueError), match="gave"):
        s.append([user("hello"), assistant("hi")])
    assert s.history() == []


def test_a_message_made_by_hand_is_checked_too() -> None:
    with pytest.raises(InvalidMessage, match="role"):
        Message("narrator", "x")  # type: ignore[arg-type]


def test_errors_have_one_root() -> None:
    """One ``except`` is enough."""
    for make in (lambda: Budget(0), lambda: session("no/such/folder/chat.db"), lambda: Policy.named("x")):
        with pytest.raises(CompactionError):
            make()
    assert isinstance(session(), Session)
