"""`Session.sync` at its edges: what is no message, what two writers do, what was pruned, what fails."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from context_compaction import (
    ArchiveUnavailable,
    DuplicateMessage,
    InvalidMessage,
    Message,
    Policy,
    ToolResultBlock,
    open_archive,
)
from context_compaction.testing.faults import Fault, FaultPoints
from tests.session.lists import Dict, named, said, talk
from tests.session.talks import session, turns
from tests.windows import answers, asks, assistant, user


def test_an_invalid_message_is_named_and_nothing_is_written() -> None:
    """Wherever it stands, whatever it is, in a list that grew or that forks."""
    s, whole = session(), talk()
    s.sync(whole)
    for bad in ({"role": "user"}, {"role": "nobody", "content": "x"}, {}, "text", None, 7):
        for messages, at in (([*whole, bad], 9), ([*whole[:4], user("x"), bad, user("y")], 5), ([bad], 0)):
            with pytest.raises(InvalidMessage) as caught:
                s.sync(messages)  # pyright: ignore[reportArgumentType] - that is the point
            assert caught.value.index == at
    assert (said(s), len(s.branches())) == (whole, 1)


def test_an_id_cannot_stand_for_two_contents() -> None:
    """Said with its place, and nothing is written, not even a branch; the same twice is once."""
    s, whole = session(), named(talk())
    s.sync(whole)
    fork = [*whole[:4], {**user("x"), "id": "x"}]
    for messages in ([*whole, {**user("other"), "id": "id-2"}], [*fork, {**user("y"), "id": "id-2"}]):
        with pytest.raises(DuplicateMessage) as caught:
            s.sync(messages)
        assert caught.value.index == len(messages) - 1
    assert (said(s), len(s.branches())) == (whole, 1)
    new = {**user("new"), "id": "new"}
    s.sync([*whole, new, new])
    assert said(s) == [*whole, new]
    assert s.sync([*whole, new, new]).kind == "unchanged"


def test_dicts_and_messages_may_be_mixed() -> None:
    """And take each other's place."""
    s, whole = session(), [*talk(3), asks("c"), answers("c"), assistant("done")]
    objects = [Message.from_openai(message) for message in whole]
    s.sync([*whole[:4], *objects[4:6]])
    assert s.sync([*objects[:5], *whole[5:]]).appended == len(whole) - 6
    assert s.sync(objects).kind == s.sync(whole).kind == "unchanged"
    assert said(s) == whole


def test_messages_that_the_chat_format_cannot_hold() -> None:
    """What comes back of them as dicts is known to be them."""
    s = session()
    s.sync(
        [user("q"), asks("c"), Message("tool", [ToolResultBlock("c", "out", "read_file")]), assistant("a")]
    )
    assert s.sync([*(m.to_openai() for m in s.history()), user("more")]).appended == 1
    assert len(s.branches()) == 1


def test_a_message_changed_in_place_is_noticed() -> None:
    """The caller's own dict, however deep."""
    s, whole = session(), [*talk(), asks("c"), answers("c")]
    s.sync(whole)
    whole[3]["content"] = "other"
    assert s.sync(whole).forked_at == 3
    whole[-2]["tool_calls"][0]["function"]["arguments"] = '{"x": 1}'
    assert s.sync(whole).forked_at == len(whole) - 2
    assert said(s) == whole


def test_what_another_writer_appended_is_no_part_of_the_list(tmp_path: Path) -> None:
    """The list wins, on a branch of its own; told of the other's messages too, it goes on there."""
    with session(tmp_path / "a.db") as s, session(tmp_path / "a.db") as other:
        whole = talk()
        s.sync(whole)
        other.append(user("from the other one"))
        mine = [*whole, user("mine")]
        assert s.sync(mine).forked_at == len(whole)
        assert said(s) == said(other) == mine
        joined = [*whole, user("from the other one"), assistant("both")]
        assert s.sync(joined).kind == "switched"
        assert said(other) == joined


def test_pruned_messages_are_still_recognised(tmp_path: Path) -> None:
    """By their digests: all of their text is gone."""
    whole = talk()
    with session(tmp_path / "a.db") as s:
        s.sync(whole)
        with closing(sqlite3.connect(tmp_path / "a.db")) as connection, connection:
            connection.execute(
                "UPDATE messages SET payload = NULL, features = NULL, pruned_at = 1 WHERE seq BETWEEN 2 AND 5"
            )
    with session(tmp_path / "a.db") as s:
        assert s.sync([*whole, user("new")]).appended == 1
        assert s.sync([*whole[3:], user("new")]).kind == "unchanged"
        assert s.sync([*whole[:3], user("other")]).forked_at == 3
        assert s.sync([*whole, user("new")]).kind == "switched"


@pytest.mark.parametrize(
    "change",
    [lambda m: [*m[:3], user("other")], lambda m: m[:5], lambda _: []],
    ids=["edited", "cut", "nothing"],
)
def test_a_fork_that_fails_leaves_the_session_where_it_was(
    change: Callable[[list[Dict]], list[Dict]],
) -> None:
    """At whatever statement: the log, the branch, the next append and the next sync are as if not tried."""
    whole = talk()
    changed, at = change(whole), 1
    with FaultPoints() as points:
        while not _synced(whole, changed, Fault(at, code=sqlite3.SQLITE_FULL), points):
            at += 1
    assert at > 10


def _synced(whole: list[Dict], changed: list[Dict], fault: Fault, points: FaultPoints) -> bool:
    """Whether the sync got by without meeting the fault; if it did not, that nothing came of it."""
    with session() as s:
        s.sync(whole)
        points.arm(fault)
        try:
            s.sync(changed)
        except ArchiveUnavailable:
            points.arm()
        else:
            return True
        assert said(s) == whole
        s.append(user("on"))
        assert said(s) == [*whole, user("on")]
        assert s.sync(changed).kind in ("forked", "switched")
        assert said(s) == changed
        return False


async def test_the_async_twin_does_the_same() -> None:
    """On the event loop, with its errors."""
    whole = talk()
    async with session() as s:
        assert (await s.async_(whole)).kind == "grown"
        assert (await s.async_(whole[:4])).kind == "forked"
        assert (await s.async_(whole)).kind == "switched"
        with pytest.raises(InvalidMessage):
            await s.async_([*whole, {"role": "nobody"}])
        assert said(s) == whole


def test_a_log_that_is_pruned_whole_still_differs() -> None:
    """A view that shows nothing of it is no reason to take any list for its continuation."""
    with open_archive(":memory:") as archive:
        s, whole = session(archive), turns(1, 3)
        s.sync(whole)
        archive.prune(max_bytes=0, uncovered=True)
        s.fork(1)
        changed = [user("other"), *whole[1:]]
        assert (s.sync(changed).kind, said(s)) == ("forked", changed)
        s.switch(s.branches()[1].id)
        assert s.sync(whole).kind == "switched"


def test_a_list_that_goes_on_where_a_view_ends_is_read_as_the_log() -> None:
    """All but a pinned message was pruned: the list has the others, and its end is another one."""
    with open_archive(":memory:") as archive:
        s, whole = session(archive), turns(1, 3)
        s.sync(whole)
        s.pin("m:1")
        archive.prune(max_age=0, uncovered=True)
        changed = [*whole[:-1], assistant("other")]
        done = session(archive).sync(changed)
        assert (done.kind, done.forked_at, done.appended) == ("forked", len(whole) - 1, 1)


def test_another_beginning_shares_nothing_with_what_a_view_left_out() -> None:
    """The list has no context message: nothing says that it went on from what was compacted."""
    s, whole = session(policy=Policy.truncating()), turns(1, 6)
    s.sync(whole)
    assert s.compact().committed
    changed = [user("other"), *whole[1:]]
    assert (s.sync(changed).forked_at, said(s)) == (0, changed)
