"""Standing instructions in the life of a session: reopened, forked, edited, pruned, forgotten, exported."""

from __future__ import annotations

from pathlib import Path

import pytest

from context_compaction import (
    Policy,
    SQLiteArchive,
)
from tests.session.instructed import RULE, begun, heard, quotes, talked
from tests.session.talks import session, turns, wire
from tests.windows import answers, asks, assistant, user


def test_unpinned_it_does_not_come_back():
    """In this session object, in one opened later, and beside another one that knows nothing of it."""
    with SQLiteArchive() as archive:
        s = begun(archive)
        other = session(archive, session_id="s")
        other.context()
        s.unpin("m:1")
        assert quotes(s) == [("m:1", RULE)]
        other.after_turn(usage={"input_tokens": 500, "output_tokens": 1})
        for one in (s, other, session(archive, session_id="s")):
            assert heard(one) == []
        assert quotes(talked(other, 20)) == []
        assert quotes(talked(session(archive, session_id="s"), 30)) == []


def test_a_session_opened_again_goes_on(tmp_path: Path):
    path = tmp_path / "chat.db"
    with begun(path) as s:
        before = wire(s.context())
        s.append([user("Never push."), assistant("ok")])
    with session(path, session_id="s") as s:
        assert wire(s.context()).startswith(before[:-1])
        assert quotes(talked(s, 20)) == [("m:1", RULE), ("m:17", "Never push.")]
        assert s.archive.verify() == []


@pytest.mark.parametrize("between", [0, 7])
def test_a_fork_has_what_held_where_it_begins(between: int):
    """Though a later word ended it: by then its view had heard that, or had not."""
    s = session(policy=Policy.layered(keep=("messages", 30)), window=4000)
    s.append([user(RULE), user("Never push."), assistant("ok"), *turns(1, 2)])
    s.append([user("From now on answer in American English."), user("You may push again."), *turns(5, 3)])
    if between:
        s.append(turns(10, 16))
        assert s.compact().committed
    assert heard(s) == [("m:8", "From now on answer in American English.")]
    s.fork(7)
    assert heard(s) == [("m:1", RULE), ("m:2", "Never push.")]
    assert [text for _, text in quotes(talked(s, 40, 40))] == [RULE, "Never push."]
    s.switch(s.branches()[0].id)
    assert [text for _, text in quotes(talked(s, 40, 40))] == ["From now on answer in American English."]


def test_a_view_that_heard_more_than_the_fork_is_not_taken_at_its_word():
    """Only results are cleared, so the fork begins with the present view, which knows of the later word."""
    s = session(policy=Policy.masking(keep=("messages", 2), keep_results=1), window=4000)
    s.append([user(RULE), user("Never push."), assistant("ok")])
    for n in range(6):
        s.append([user(f"look {n}"), asks(f"c{n}"), answers(f"c{n}", f"line {n}\n" * 60), assistant("seen")])
    s.append([user("You may push again."), user("Always answer in French."), *turns(1, 2)])
    event = s.compact()
    assert (event.committed, event.removed) == (True, 0)
    s.unpin("m:1")
    assert heard(s) == [("m:29", "Always answer in French.")]
    s.fork(27)
    assert s.view.version
    assert [(pin.ref, pin.text) for pin in s.view.pins] == heard(s) == [("m:2", "Never push.")]


def test_an_edited_message_takes_its_instruction_with_it():
    s = session()
    chat = [user("Hello."), assistant("Hi."), user(RULE), assistant("Yes."), *turns(1, 7)]
    s.sync(chat)
    assert s.compact().committed
    assert quotes(s) == [("m:3", RULE)]
    s.sync([*chat[:2], user("Never push."), assistant("Yes."), *turns(1, 7)], deep=True)
    assert heard(s) == [("m:3", "Never push.")]
    s.compact()
    assert quotes(s) == [("m:3", "Never push.")]
    s.sync(chat, deep=True)
    assert quotes(s) == [("m:3", RULE)]


def test_prune_leaves_the_message_of_a_quote():
    with SQLiteArchive() as archive:
        s = begun(archive)
        assert archive.prune(max_age=0, uncovered=True).messages > 5
        assert s.expand("m:1")[0].text.startswith("Hello there.")
        assert quotes(session(archive, session_id="s")) == [("m:1", RULE)]
        assert archive.verify() == []


def test_a_prune_that_takes_the_tail_into_the_head_makes_nobody_deaf():
    with SQLiteArchive() as archive:
        s = begun(archive)
        s.append([user("Never push."), assistant("ok")])
        assert archive.prune(max_bytes=0, uncovered=True).messages > 5
        s = session(archive, session_id="s")
        assert s.view.head_end == 18
        assert quotes(talked(s, 30)) == [("m:1", RULE), ("m:17", "Never push.")]


def test_forgotten_is_forgotten_and_a_session_that_shares_it_keeps_it():
    with SQLiteArchive() as archive:
        s = begun(archive)
        child = s.fork(16, session_id="child")
        s.append([user("Never push."), assistant("ok")])
        talked(s, 20)
        archive.forget("s", forks="detach")
        assert quotes(child) == [("m:1", RULE)]
        assert heard(session(archive, session_id="s")) == []
        assert quotes(talked(child, 20)) == [("m:1", RULE)]
        assert archive.verify() == []
        assert child.branches()[0].last_seq == 16


def test_a_branch_that_is_handed_over_keeps_what_it_heard():
    """Though the session that gets it had no part in the compaction: it sees the message."""
    with SQLiteArchive() as archive:
        s = session(archive, session_id="s", policy=Policy.truncating())
        s.append([user(f"Hello there. {RULE}"), assistant("Yes."), *turns(1, 7)])
        child = s.fork(16, session_id="child")
        assert s.compact().committed
        archive.forget("s", forks="detach")
        child.switch(child.branches()[0].id)
        assert quotes(child) == [("m:1", RULE)]


def test_export_and_import_carry_them(tmp_path: Path):
    with SQLiteArchive() as archive, SQLiteArchive() as other:
        begun(archive)
        archive.export(tmp_path / "chat.jsonl")
        other.import_(tmp_path / "chat.jsonl")
        assert other.verify() == []
        s = session(other, session_id="s")
        assert quotes(s) == [("m:1", RULE)]
        assert quotes(talked(s, 20)) == [("m:1", RULE)]
        assert s.pins == ()
