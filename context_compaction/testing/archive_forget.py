"""Contract checks of forgetting: a session goes wholly, and nothing else with it."""

from __future__ import annotations

from typing import Any

import pytest

from context_compaction.archive import Archive, Forgotten, Fork
from context_compaction.errors import CompactionError, SessionHasForks, StaleView
from context_compaction.messages import TextBlock
from context_compaction.recall import recall
from context_compaction.testing.archive_contract import Backend
from context_compaction.testing.archive_prune import compacted, pruned
from context_compaction.testing.archive_rows import Writer, answer, calling, event, nasty_messages
from context_compaction.view import Edited, Gap, Kept, Pin, Summary, View

TEXTS = ("apple", "pear", "plum", "cherry", "grape", "lemon")
QUERY = "apple pear plum cherry grape lemon kiwi of fruit"


def a_session_is_gone(backend: Backend) -> None:
    """Its id is free again, its branch is nobody's, and forgetting it again is nothing."""
    with backend.opened() as archive:
        writer = filled(archive, "s")
        branch = writer.branch
        assert archive.forget("s") == Forgotten(1, 1, len(TEXTS))
        assert archive.sessions() == []
        with pytest.raises(StaleView):
            archive.messages(branch)
        with pytest.raises(StaleView):
            writer.say("too late")
        assert archive.forget("s") == archive.forget("nobody", "nowhere") == Forgotten()
        state = archive.open_session("default", "s")
        assert (state.last_seq, state.pins, state.view) == (0, (), View())
        assert state.branch != branch
        assert recall(archive, state.branch, QUERY) == []


def other_sessions_stay_as_they_are(backend: Backend) -> None:
    """Of the same namespace and of others, with the same media, text and id."""
    with backend.opened() as archive:
        places = [("default", "t"), ("other", "s"), ("other", "t")]
        for namespace, session in [("default", "s"), *places]:
            Writer.of(archive, session, namespace).append(*nasty_messages())
            filled(archive, session, namespace, first=len(nasty_messages()))
        before = [all_of(archive, archive.open_session(*place).branch) for place in places]
        archive.forget("s")
        assert archive.sessions() == places
        assert [all_of(archive, archive.open_session(*place).branch) for place in places] == before
        archive.forget("s", "other")
        archive.forget("t", "other")
        assert archive.sessions() == [("default", "t")]
        assert all_of(archive, archive.open_session("default", "t").branch) == before[0]


def live_forks_are_told(backend: Backend) -> None:
    """And nothing is erased: branches of its own, and sessions forked from it by name."""
    with backend.opened() as archive:
        writer = filled(archive, "s")
        archive.fork(writer.branch, Fork(2, View(), 0, {}))
        with pytest.raises(SessionHasForks, match="'s' has 2 branches; nothing was erased"):
            archive.forget("s")
        for name in ("one", "two\ud800"):
            archive.fork(writer.branch, Fork(3, View(), 0, {}, session_id=name))
        with pytest.raises(SessionHasForks) as caught:
            archive.forget("s")
        assert all(word in str(caught.value) for word in ("'one'", "'two", "detach", "cascade"))
        assert [session for _, session in archive.sessions()] == ["s", "one", "two\ud800"]
        assert len(archive.messages(writer.branch)) == len(TEXTS)
        with pytest.raises(ValueError, match="'raise', 'detach', 'cascade'") as wrong:
            archive.forget("s", forks="both")  # pyright: ignore[reportArgumentType] - that is the point
        assert not isinstance(wrong.value, CompactionError)
        assert archive.forget("one") == Forgotten(1, 1, 0), "a fork goes without the session it is of"
        assert len(archive.messages(writer.branch)) == len(TEXTS)


def branches_go_with_their_session(backend: Backend) -> None:
    """Both ways, where no other session is forked from it."""
    for forks in ("detach", "cascade"):
        with backend.opened() as archive:
            writer = filled(archive, forks)
            archive.fork(writer.branch, Fork(2, View(), 0, {}))
            Writer(archive, archive.open_session("default", forks).branch, 2).say("kiwi")
            assert archive.forget(forks, forks=forks) == Forgotten(1, 2, len(TEXTS) + 1)
            assert archive.sessions() == []


def forked_sessions_go_along(backend: Backend) -> None:
    """Those forked from it, and those forked from these; not the one that it is forked from itself."""
    with backend.opened() as archive:
        root = filled(archive, "root")
        middle = archive.fork(root.branch, Fork(3, View(), 0, {}, session_id="middle"))
        Writer(archive, middle, 3).say("kiwi")
        leaf = archive.fork(middle, Fork(4, View(), 0, {}, session_id="leaf"))
        archive.fork(leaf, Fork(2, View(), 0, {}, session_id="of root only"))
        before = all_of(archive, root.branch)
        assert archive.forget("middle", forks="cascade") == Forgotten(2, 2, 1)
        assert [session for _, session in archive.sessions()] == ["root", "of root only"]
        assert all_of(archive, root.branch) == before
        assert archive.forget("root", forks="cascade").sessions == 2
        assert archive.sessions() == []


def forked_sessions_keep_what_they_share(backend: Backend) -> None:
    """Log, search, summaries, views, pins and calls of theirs are as before; what they did not see goes."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.say(*TEXTS[:3])
        writer.append(calling("a", "b"))
        archive.pin(writer.branch, Pin("m:1", "apple"))
        edited = Edited(2, (TextBlock("p"),), "cleared", 3)
        compacted(writer, edited, Kept(3), Kept(4), Summary(1), ranges=((1, 1),), head_end=4)
        view, state = archive.state(writer.branch).view, {"n": 1}
        for name, at in (("early", 2), ("late", 4)):
            shown = view if at == 4 else View(1, 2, (edited, Summary(1)))
            fork = archive.fork(writer.branch, Fork(at, shown, 1, state, session_id=name))
            Writer.of(archive, name).say(f"kiwi of {name}")
            archive.pin(fork, Pin("m:2", f"pear of {name}"))
        writer.append(answer("a", "secret"), answer("b", "secret"))
        archive.pin(writer.branch, Pin("m:2", "secret"))
        archive.note(writer.branch, {"secret": 1}, event(at_seq=6))
        compacted(writer, Kept(6), Summary(2), ranges=((1, 5),), head_end=6, base=1)
        archive.fork(writer.branch, Fork(5, View(), 1, {}))
        Writer(archive, archive.open_session("default", "s").branch, 5).say("secret")
        branches = [archive.open_session("default", name).branch for name in ("early", "late")]
        before = [all_of(archive, branch) for branch in branches]
        assert archive.forget("s", forks="detach") == Forgotten(1, 1, 3)
        assert [session for _, session in archive.sessions()] == ["early", "late"]
        assert [all_of(archive, branch) for branch in branches] == before
        kept, own = archive.branches(branches[1])
        assert (kept.id, kept.last_seq, own.parent) == (writer.branch, 4, writer.branch)
        assert [branch.id for branch in archive.branches(branches[0])] == [branches[0]]
        _is_a_branch_again(archive, kept.id, view)
        assert archive.forget("late", forks="cascade") == Forgotten(2, 3, 8)


def what_was_pruned_stays_so_in_forks(backend: Backend) -> None:
    """A log that is handed over without any view shows no tombstones."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.say(*TEXTS)
        compacted(writer, Summary(1), ranges=((1, 6),), head_end=6)
        fork = archive.fork(writer.branch, Fork(4, View(1, 4, (Gap(1, 4),)), 0, {}, session_id="fork"))
        archive.prune(max_age=0, uncovered=True)
        before = all_of(archive, fork)
        archive.forget("s", forks="detach")
        assert all_of(archive, fork) == before
        kept = archive.state(writer.branch)
        assert (kept.view.head, kept.view.head_end, kept.next_summary) == ((Gap(1, 4),), 4, 1)
        assert pruned(archive, writer.branch) == {1, 2, 3, 4}


CHECKS = (
    a_session_is_gone,
    other_sessions_stay_as_they_are,
    live_forks_are_told,
    branches_go_with_their_session,
    forked_sessions_go_along,
    forked_sessions_keep_what_they_share,
    what_was_pruned_stays_so_in_forks,
)


def filled(archive: Archive, session: str, namespace: str = "default", first: int = 0) -> Writer:
    """A session with messages behind ``first``, a pin, a compaction and a report."""
    writer = Writer.of(archive, session, namespace)
    writer.say(*TEXTS)
    last = first + len(TEXTS)
    archive.pin(writer.branch, Pin(f"m:{last}", "lemon"))
    compacted(writer, Kept(last), Summary(1), ranges=((1, last - 1),), head_end=last)
    archive.note(writer.branch, {"n": 1}, event())
    return writer


def all_of(archive: Archive, branch: int) -> list[Any]:
    """Everything that an archive says of a branch."""
    state = archive.state(branch)
    return [
        state,
        archive.messages(branch),
        archive.outline(branch),
        archive.totals(branch),
        archive.summaries(branch),
        archive.events(branch),
        [archive.view(branch, version) for version in range(state.view.version + 1)],
        recall(archive, branch, QUERY, 100),
        archive.search(branch, ["appl", "kiwi"]),
    ]


def _is_a_branch_again(archive: Archive, branch: int, view: View) -> None:
    """What was handed over: as it was at the last message that a fork sees, and fit to go on with."""
    state = archive.state(branch)
    assert (state.last_seq, state.view.head, state.next_summary, dict(state.state)) == (4, view.head, 2, {})
    assert state.pins == (Pin("m:1", "apple"),)
    assert [call.call_id for call in state.open_calls] == ["a", "b"]
    assert len(archive.events(branch)) == 1
    assert not recall(archive, branch, "secret")
    archive.activate(branch)
    writer = Writer.of(archive, "late")
    writer.append(answer("a", "again"))
    assert [row.kind for row in archive.messages(branch, [(5, 5)])] == ["live"]
    writer.say("grape")
    assert recall(archive, branch, "grape")[0].ref == "m:6"
