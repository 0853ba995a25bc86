"""`Session.fork`, `branches`, `switch`: where a log may fork, and what each branch then has of it."""

from __future__ import annotations

from typing import Any

import pytest

from context_compaction import Archive, Session, open_archive
from context_compaction.errors import DuplicateMessage, SessionExists, UnknownReference
from tests.session.lists import Dict, active, named, said, stored
from tests.session.talks import dicts, session, turns, wire
from tests.windows import answers, asks, assistant, user

TALK = turns(1, 3, words=6)


def talked(archive: Archive | str = ":memory:", **options: Any) -> Session:
    """A session of six messages."""
    s = session(archive, **options)
    s.append(TALK)
    return s


def fresh(messages: list[Dict]) -> list[Dict]:
    """What a session shows that was told this and nothing else."""
    with session() as s:
        s.append(messages)
        return dicts(s.context())


# -- where ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", range(len(TALK) + 1))
def test_anywhere_it_goes_on_behind_the_message(at: int) -> None:
    """Numbers go on, the old branch stays, and nothing that is shared is stored twice."""
    s = talked()
    first = active(s)
    assert s.fork(at) is s
    s.append([user("another way"), assistant("indeed")])
    branched = [*TALK[:at], user("another way"), assistant("indeed")]
    assert said(s) == dicts(s.context()) == branched
    assert [s.expand(f"m:{at + n}")[0].text for n in (1, 2)] == ["another way", "indeed"]
    assert said(s, first) == TALK
    old, new = s.branches()
    assert (old.id, old.last_seq, old.active) == (first, 6, False)
    assert (new.id, new.parent, new.fork_at) == (active(s), first if at else None, at)
    assert (new.last_seq, new.version, stored(s)) == (at + 2, 0, len(TALK) + 2)
    assert s.stats.messages_said == at + 2


def test_a_reference_or_a_number() -> None:
    s = talked()
    s.fork("m:2")
    assert said(s) == TALK[:2]
    s.fork(" m:1 ")
    assert said(s) == TALK[:1]


@pytest.mark.parametrize("at", [-1, 7, "m:0", "m:7", "m:1-m:2", "m:1,m:2", "s:1", "2", "", "m:x"])
def test_what_is_no_message_is_no_place(at: int | str) -> None:
    s = talked()
    before = s.branches()
    for session_id in (None, "new"):
        with pytest.raises(UnknownReference):
            s.fork(at, session_id)
    assert s.branches() == before
    assert said(s) == TALK
    assert s._archive.sessions() == [("default", "default")]


def test_an_empty_log_can_be_forked() -> None:
    s = session()
    s.fork(0)
    s.append(user("hello"))
    assert (said(s), said(s, s.branches()[0].id)) == ([user("hello")], [])


def test_forks_of_forks() -> None:
    """Each has the words of every branch that it stems from, up to where the next one forked."""
    s = talked()
    expected, ids = {active(s): TALK}, [active(s)]
    whole = TALK
    for depth in range(1, 7):
        whole = [*whole[:-1], user(f"way {depth}"), assistant(f"way {depth} it is")]
        s.fork(len(whole) - 2)
        s.append(whole[-2:])
        ids.append(active(s))
        expected[ids[-1]] = whole
    assert {branch.id: said(s, branch.id) for branch in s.branches()} == expected
    assert [branch.parent for branch in s.branches()] == [None, *ids[:-1]]
    assert [branch.fork_at for branch in s.branches()] == [0, 5, 6, 7, 8, 9, 10]
    s.fork(3)  # of what the first branch said: its parent is that one
    assert (said(s), s.branches()[-1].parent) == (TALK[:3], ids[0])
    s.switch(ids[3])
    s.fork(6)
    assert (said(s), s.branches()[-1].parent) == (expected[ids[3]][:6], ids[1])
    assert s._archive.verify() == []


# -- a session of its own ------------------------------------------------------------------------------------


def test_a_session_of_its_own() -> None:
    """The one that it is forked from stays as it is, and each grows by itself."""
    with open_archive(":memory:") as archive:
        s = talked(archive, session_id="s", namespace="n")
        copy = s.fork(2, session_id="copy")
        assert copy is not s
        assert (said(s), said(copy)) == (TALK, TALK[:2])
        copy.append(user("there"))
        s.append(user("here"))
        assert (said(copy), said(s)) == ([*TALK[:2], user("there")], [*TALK, user("here")])
        assert [len(one.branches()) for one in (s, copy)] == [1, 1]
        assert copy.branches()[0].parent == s.branches()[0].id
        assert archive.sessions() == [("n", "s"), ("n", "copy")]
        copy.close()
        s.append(user("and on"))
        assert said(session(archive, session_id="copy", namespace="n")) == [*TALK[:2], user("there")]


def test_it_has_the_settings_of_the_one_that_it_is_forked_from() -> None:
    s = talked(session_id="s")
    copy = s.fork(6, session_id="copy")
    assert copy.stats.counter == s.stats.counter
    assert copy.stats.input_tokens == s.stats.input_tokens
    assert wire(copy.context()) == wire(s.context())


def test_an_id_that_is_taken_is_refused() -> None:
    """By another session or by itself; nothing is left of the attempt. Another namespace is another place."""
    with open_archive(":memory:") as archive:
        s = talked(archive, session_id="s")
        talked(archive, session_id="there").append(user("mine"))
        for taken in ("there", "s"):
            with pytest.raises(SessionExists, match=taken):
                s.fork(2, session_id=taken)
        assert said(session(archive, session_id="there")) == [*TALK, user("mine")]
        assert (said(s), len(s.branches())) == (TALK, 1)
        assert archive.sessions() == [("default", "s"), ("default", "there")]
        elsewhere = talked(archive, session_id="s", namespace="elsewhere")
        assert said(elsewhere.fork(1, session_id="there")) == TALK[:1]


# -- to and fro ----------------------------------------------------------------------------------------------


def test_switching_is_going_back() -> None:
    """To the bytes that were shown there, and to the end of that log."""
    s = talked()
    first, before = active(s), wire(s.context())
    s.fork(2)
    s.append(user("another way"))
    second, branched = active(s), wire(s.context())
    s.switch(first)
    assert (active(s), wire(s.context())) == (first, before)
    s.append(user("on"))
    s.switch(second)
    assert wire(s.context()) == branched
    s.switch(second)
    assert (active(s), said(s, first)) == (second, [*TALK, user("on")])


def test_only_its_own_branches_can_be_switched_to() -> None:
    with open_archive(":memory:") as archive:
        s, other = talked(archive, session_id="s"), talked(archive, session_id="other")
        copy = s.fork(2, session_id="copy")
        for foreign in (active(other), active(copy), 999, 0, -1):
            with pytest.raises(UnknownReference, match="no branch of this id"):
                s.switch(foreign)
            with pytest.raises(UnknownReference):
                s.history(branch=foreign)
        assert said(s) == TALK


def test_ids_are_known_up_to_the_fork() -> None:
    """Behind it each branch has its own: the same id may say something else there."""
    s = session()
    talk = named(TALK)
    s.append(talk)
    s.fork(2)
    s.append([talk[0], {**talk[2], "content": "something else"}])
    assert said(s) == [*talk[:2], {**talk[2], "content": "something else"}]
    with pytest.raises(DuplicateMessage):
        s.append({**talk[0], "content": "changed"})
    s.switch(s.branches()[0].id)
    s.append(talk)
    assert said(s) == talk


# -- in the middle of a tool batch ---------------------------------------------------------------------------

BATCH = [user("look"), asks("a", "b"), answers("a", "of a"), answers("b", "of b"), user("thanks")]
"""Two calls at once, both answered."""


@pytest.mark.parametrize("at", [2, 3])
def test_calls_are_open_at_the_fork(at: int) -> None:
    """What answered them later did not happen here: a result is in time, in this branch and the other."""
    s = session()
    s.append(BATCH[:3])
    s.fork(at)
    late = [answers("b", "in the branch"), *([answers("a", "a again")] if at == 2 else [])]
    s.append([*late, user("on")])
    assert dicts(s.context()) == [*BATCH[:at], *late, user("on")]
    s.switch(s.branches()[0].id)
    s.append(BATCH[3:])
    assert dicts(s.context()) == BATCH


@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("more", [[answers("b", "late")], [user("on"), answers("b", "late"), user("yes")]])
def test_a_branch_shows_what_a_session_shows_that_was_told_this_alone(at: int, more: list[Dict]) -> None:
    """Calls that nobody answered by then close when the branch goes on, whatever became of them before."""
    s = session()
    s.append(BATCH)
    s.fork(at)
    for message in more:
        s.append(message)
        s.context()
    assert dicts(s.context()) == fresh([*BATCH[:at], *more])
    s.switch(s.branches()[0].id)
    assert dicts(s.context()) == BATCH


@pytest.mark.parametrize("at", [2, 3, 4, 5])
def test_a_late_result_is_late_where_it_came(at: int) -> None:
    """The call closed unanswered at message 3 and was answered at 4: each fork knows what it saw of that."""
    talk = [user("look"), asks("a"), user("never mind"), answers("a", "at last"), user("oh")]
    s = session()
    s.append(talk)
    s.fork(at)
    more = [answers("a", "in the branch"), user("well")]
    s.append(more)
    shown = dicts(s.context())
    assert shown == fresh([*talk[:at], *more])
    in_time = any(message["role"] == "tool" and message["content"] == "in the branch" for message in shown)
    assert in_time == (at == 2)
    again = session(s._archive)
    assert wire(again.context()) == wire(s.context())
