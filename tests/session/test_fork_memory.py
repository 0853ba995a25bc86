"""What a branch remembers: search up to the fork, reports, measures; what is left when one is forgotten."""

from __future__ import annotations

import pytest

from context_compaction import Archive, Policy, Session, SQLiteArchive, open_archive
from context_compaction.errors import SessionHasForks, UnknownReference
from context_compaction.testing.drafters import ScriptedDrafter
from tests.session.lists import Dict, active, said
from tests.session.talks import dicts, filling, session, turns
from tests.windows import assistant, user

FRUIT = [user("an apple pie"), assistant("a pear tart"), user("plum cake"), assistant("cherry jam")]
EARLY = [*filling(900), assistant("ok")]
QUERIES = ("apple", "pear tart and plum", "cherry", "kiwi", "mango", "grape juice pie")


def hits(s: Session, query: str) -> list[tuple[str, float, tuple[str, ...]]]:
    return [(hit.ref, hit.score, hit.neighbours) for hit in s.recall(query, 50)]


def told(messages: list[Dict]) -> Session:
    s = session()
    s.append(messages)
    return s


def compacting(archive: Archive, session_id: str = "s") -> Session:
    """A session whose drafter says ``walrus`` first, then ``octopus``."""
    script = ScriptedDrafter(["## Timeline\n- a walrus", "## Timeline\n- an octopus"])
    policy = Policy.layered(fidelity_floor=0.0)
    return session(archive, session_id=session_id, policy=policy, drafter=script)


# -- recall --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("at", range(5))
def test_recall_in_a_branch_is_that_of_a_session_told_the_same(at: int, own: bool) -> None:
    """Hits, scores and neighbours: the other branch's messages are no hit, no neighbour and no statistic."""
    with open_archive(":memory:") as archive:
        s = session(archive, session_id="s")
        s.append(FRUIT)
        s.append([user("grape juice and a mango"), assistant("pear pie")])
        first = active(s)
        fork = s.fork(at, session_id="own" if own else None)
        more = [user("kiwi pie"), assistant("apple and kiwi")]
        fork.append(more)
        fresh = told([*FRUIT[:at], *more])
        assert [hits(fork, query) for query in QUERIES] == [hits(fresh, query) for query in QUERIES]
        assert hits(fork, "mango") == []
        if not own:
            s.switch(first)
        whole = told([*FRUIT, user("grape juice and a mango"), assistant("pear pie")])
        assert [hits(s, query) for query in QUERIES] == [hits(whole, query) for query in QUERIES]
        assert hits(s, "kiwi") == []


def test_summaries_are_found_where_they_are_shared() -> None:
    """Written before the fork in both branches, behind it in the one that wrote it."""
    with open_archive(":memory:") as archive:
        s = compacting(archive)
        s.append([*filling(900), assistant("ok")])
        assert s.compact().committed
        first = active(s)
        s.append(user("on"))
        s.fork(17)
        s.append(turns(100, 8))
        assert s.compact().committed
        assert (s.recall("walrus")[0].ref, s.recall("octopus")[0].ref) == ("s:1", "s:2")
        s.switch(first)
        assert (s.recall("walrus")[0].ref, s.recall("octopus")) == ("s:1", [])
        with pytest.raises(UnknownReference):
            s.expand("s:2")


def test_prune_and_fork_leave_no_foreign_neighbours() -> None:
    """A match counts for what stands beside it in its own branch, and not once it is pruned."""
    with SQLiteArchive() as archive:
        s = compacting(archive)
        s.append([user("zebra"), *turns(1, 8), user("giraffe"), assistant("walnut"), user("hazel")])
        assert s.compact().committed
        archive.prune(max_age=0)
        copy = s.fork(18, session_id="copy")
        copy.append([assistant("lynx"), user("otter")])
        assert copy.expand("m:1")[0].text.startswith("[m:1")
        assert s.recall("zebra, lynx or otter") == copy.recall("zebra, walnut or hazel") == []
        assert {hit.ref: hit.neighbours for hit in copy.recall("giraffe", 50)} == {
            "m:18": ("m:16", "m:17", "m:19", "m:20"),
            "m:16": ("m:14", "m:15", "m:17", "m:18"),
            "m:17": ("m:15", "m:16", "m:18", "m:19"),
            "m:19": ("m:17", "m:18", "m:20"),
            "m:20": ("m:18", "m:19"),
        }


# -- reports and measures ------------------------------------------------------------------------------------


def test_reports_and_numbers_are_those_of_the_branch() -> None:
    """What was compacted before the fork counts in both, what comes behind it in one."""
    with open_archive(":memory:") as archive:
        s = compacting(archive)
        s.append([*filling(900), assistant("ok")])
        early = s.compact()
        first = active(s)
        s.append(turns(100, 8))
        late = s.compact()
        s.fork(18)
        assert s.events == [early]
        assert (s.stats.messages_said, s.stats.compactions, s.stats.version) == (18, 1, 1)
        assert (s.stats.tokens_saved, s.stats.summaries) == (early.tokens_saved, 1)
        s.append(turns(200, 8))
        mine = s.compact()
        assert s.events == [early, mine]
        assert s.stats.tokens_saved == early.tokens_saved + mine.tokens_saved
        s.fork(4)
        assert (s.events, s.stats.tokens_saved, s.stats.version) == ([], 0, 0)
        assert s.stats.tokens_said == s.stats.tokens_seen - 3 == 200
        s.switch(first)
        assert s.events == [early, late]
        assert (s.stats.messages_said, s.stats.compactions) == (32, 2)


def test_what_was_learned_of_the_count_stays_and_what_was_of_one_request_goes() -> None:
    """The ratio holds in a branch, in both of them and for whoever opens it; the reported size does not."""
    with open_archive(":memory:") as archive:
        s = session(archive, session_id="s", window=100_000)
        s.append(turns(1, 4))
        for _ in range(5):
            raw = s.stats.tokens_said + 3
            s.context()
            s.after_turn({"input_tokens": raw * 2, "output_tokens": 1})
            s.append(turns(1, 1))
        first, there = active(s), s.stats.tokens_seen
        assert there > 1.5 * (s.stats.tokens_said + 3)
        s.fork(4)
        raw = s.stats.tokens_said + 3
        here = s.stats.tokens_seen
        assert 1.5 * raw < here < there - raw
        assert session(archive, session_id="s", window=100_000).stats.tokens_seen == here
        s.switch(first)
        assert s.stats.tokens_seen == there
        assert told(turns(1, 2)).stats.tokens_seen == raw, "or nothing was learned"


def test_a_side_that_was_not_armed_is_armed_in_a_branch() -> None:
    """An attempt that came to nothing was one on another view: the branch may try at once."""
    with open_archive(":memory:") as archive:
        policy = Policy.layered(fidelity_floor=0.0, keep=("messages", 40))
        s = session(archive, session_id="s", policy=policy)
        s.append(filling(900))
        assert s.after_turn() is not None
        assert s.after_turn() is None, "nothing has grown since"
        s.fork(15)
        assert s.after_turn() is not None


# -- forgotten -----------------------------------------------------------------------------------------------


def test_a_session_that_others_are_forked_from_is_not_forgotten_by_accident() -> None:
    with open_archive(":memory:") as archive:
        s, copy = _with_copy(archive)
        before = [said(s), said(copy), hits(copy, "question 3 walrus")]
        with pytest.raises(SessionHasForks, match="copy"):
            archive.forget("s")
        assert [said(s), said(copy), hits(copy, "question 3 walrus")] == before
        assert archive.forget("copy").sessions == 1
        assert archive.forget("s").sessions == 1


def test_a_session_that_branched_is_not_forgotten_by_accident() -> None:
    with open_archive(":memory:") as archive:
        s = session(archive, session_id="s")
        s.append(FRUIT)
        s.fork(2)
        with pytest.raises(SessionHasForks):
            archive.forget("s")
        assert (said(s), said(s, s.branches()[0].id)) == (FRUIT[:2], FRUIT)
        archive.forget("s", forks="detach")
        assert archive.sessions() == []


def test_detaching_leaves_a_fork_all_that_it_had() -> None:
    """Words, view, search, summaries, pins, reports and numbers, for a handle that is open and a new one."""
    with open_archive(":memory:") as archive:
        s, copy = _with_copy(archive)

        def seen(one: Session) -> list[object]:
            found = [dicts(one.context()), said(one), one.pins, one.events, one.stats, one.view]
            return [*found, hits(one, "question 3 walrus"), dicts(one.expand("s:1")), active(one)]

        before = seen(copy)
        assert archive.forget("s", forks="detach").sessions == 1
        assert seen(copy) == seen(compacting(archive, "copy")) == before
        assert hits(copy, "behind the fork") == []
        copy.append(turns(300, 8))
        assert copy.compact().committed
        assert said(copy) == [*EARLY, user("on"), user("in the copy"), *turns(300, 8)]
        handed_over = copy.branches()[0].id
        assert said(copy, handed_over) == [*EARLY, user("on")], "what it shares is its own now"
        assert archive.verify() == []
        assert said(s) == [], "whoever still has the forgotten one open begins anew"
        assert archive.sessions() == [("default", "copy"), ("default", "s")]


def test_cascading_takes_the_forks_along() -> None:
    """A handle that is still open begins a new session of the id."""
    with open_archive(":memory:") as archive:
        s, copy = _with_copy(archive)
        other = session(archive, session_id="other")
        other.append(FRUIT)
        forgotten = archive.forget("s", forks="cascade")
        assert (forgotten.sessions, forgotten.branches) == (2, 2)
        assert archive.sessions() == [("default", "other")]
        copy.append(user("anew"))
        assert (said(copy), copy.recall("walrus"), said(other)) == ([user("anew")], [], FRUIT)
        assert archive.verify() == []
        s.close()


def _with_copy(archive: Archive) -> tuple[Session, Session]:
    """A session, compacted and pinned, and one forked from it behind the compaction."""
    s = compacting(archive)
    s.append(EARLY)
    s.pin("m:3")
    assert s.compact().committed
    s.append([user("on"), assistant("yes")])
    copy = s.fork(17, session_id="copy")
    s.append(user("behind the fork"))
    copy.append(user("in the copy"))
    return s, copy
