"""What the model sees in a branch: the view as it was at the fork, and never what was said behind it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from context_compaction import Message, Policy, Session, SQLiteArchive, UnknownReference
from context_compaction.testing.drafters import ScriptedDrafter
from tests.checker import ChatMessage, Request, check_request
from tests.session.lists import Dict, active, said
from tests.session.talks import INPUT, dicts, filling, session, turns, unblocked
from tests.windows import WORDS, answers, asks, assistant, system, user

POLICY = Policy.layered(fidelity_floor=0.0)
EARLY = filling(900)
"""Fifteen messages, of which a compaction leaves two and summarizes thirteen."""
TALK = [*EARLY, assistant("ok"), *turns(50, 2, 8), user("and now?")]


def compacted(archive: SQLiteArchive | str = ":memory:") -> Session:
    """A session that was compacted at message 15 and has gone on to message 21."""
    s = session(archive, policy=POLICY, drafter=ScriptedDrafter("## Current State\n- as drafted"))
    s.append(EARLY)
    assert s.compact().outcome == "summarized"
    s.append(TALK[len(EARLY) :])
    return s


def words(messages: Sequence[ChatMessage]) -> int:
    """The session's counter, over dicts."""
    return WORDS.messages(Message.from_openai(message) for message in messages)


def accepted(s: Session, log: list[Dict], room: int = INPUT) -> list[Dict]:
    """What the session shows, judged independently as the context of this log."""

    shown = dicts(s.context())
    request = Request(log, shown, room, {"own": words}, pins=sorted({pin.seq for pin in s.pins}))
    assert check_request(request) == []
    return shown


# -- before and behind a compaction --------------------------------------------------------------------------


@pytest.mark.parametrize("at", range(15, 22))
def test_behind_a_compaction_the_prefix_is_the_same(at: int) -> None:
    """Byte for byte, so that what a provider keeps of it is of use to the branch.

    The recalled block aside: where the branch ends with a question, that has one of its own.
    """
    s = compacted()
    before = dicts(unblocked(s.context()))
    s.fork(at)
    accepted(s, TALK[:at])
    after = dicts(unblocked(s.context()))
    assert after == before[: len(before) - (len(TALK) - at)]
    assert "as drafted" in after[0]["content"]
    assert (s.view.version, [event.version for event in s.events]) == (1, [1])
    assert dicts(s.expand("s:1")) == TALK[:13]


@pytest.mark.parametrize("at", range(15))
def test_before_a_compaction_it_did_not_happen(at: int) -> None:
    """What it summarized is shown again, up to the fork: no summary stands for the newest of a log."""
    s = compacted()
    s.fork(at)
    assert accepted(s, TALK[:at]) == TALK[:at]
    assert (s.view.version, s.events) == (0, [])
    if at < 13:
        with pytest.raises(UnknownReference):
            s.expand("s:1")
    more = turns(100, 7)
    s.append(more)
    event = s.compact()
    assert (event.committed, event.version) == (True, 1)
    accepted(s, [*TALK[:at], *more])
    s.switch(s.branches()[0].id)
    assert (s.view.version, dicts(s.expand("s:1")), said(s)) == (1, TALK[:13], TALK)


def test_any_fork_of_a_long_session_begins_as_a_request_that_was_sent() -> None:
    """Whatever was compacted since: the newest view is shared that knows nothing of what came later.

    The recalled block aside, which every branch chooses anew.
    """
    s = session(policy=Policy.layered(fidelity_floor=0.0), drafter=ScriptedDrafter("## Timeline\n- before"))
    log: list[Dict] = []
    sent: list[list[Dict]] = []
    for message in turns(1, 60):
        s.append(message)
        log.append(message)
        sent.append(dicts(unblocked(s.context())))
    assert s.view.version > 3
    versions: set[int] = set()
    for at in range(1, len(log) + 1):
        fork = s.fork(at, session_id=f"at {at}")
        versions.add(fork.view.version)
        accepted(fork, log[:at])
        shown = dicts(unblocked(fork.context()))
        assert any(shown == request[: len(shown)] for request in sent[at - 1 :]), at
        assert said(fork) == log[:at]
        for number in fork.view.summaries:
            assert all(message in log[:at] for message in dicts(fork.expand(f"s:{number}")))
    assert len(versions) > 3


def test_branches_compact_by_themselves() -> None:
    """Each numbers its summaries on, and a number leads to what it stands for where it was written."""
    s = compacted()
    first = active(s)
    s.fork(18)
    second = active(s)
    mine, theirs = turns(100, 7), turns(200, 7)
    for branch, more in ((second, mine), (first, theirs)):
        s.switch(branch)
        s.append(more)
        assert (s.compact().version, s.view.summaries) == (2, (1, 2))
    here, there = [*TALK, *theirs], [*TALK[:18], *mine]
    for branch, log, other in ((first, here, mine), (second, there, theirs)):
        s.switch(branch)
        accepted(s, log)
        assert dicts(s.expand("s:1")) == TALK[:13]
        newer = dicts(s.expand("s:2"))
        assert newer
        assert all(message in log and message not in other for message in newer)


# -- pins ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("at", "pinned"), [(0, []), (2, []), (3, ["m:3"]), (4, ["m:3"]), (15, ["m:3"])])
def test_a_branch_takes_the_pins_of_what_it_shares(at: int, pinned: list[str]) -> None:
    """At the pinned message itself, too."""
    s = compacted()
    s.pin("m:3")
    s.pin("m:20")
    s.fork(at)
    assert [pin.ref for pin in s.pins] == pinned
    s.append([*turns(100, 10), user("on")])
    shown = accepted(s, [*TALK[:at], *turns(100, 10), user("on")])
    assert [pin.ref for pin in session(s._archive).pins] == pinned
    assert (TALK[2]["content"] in "\n".join(str(message["content"]) for message in shown)) == bool(pinned)


def test_pins_are_a_branchs_own() -> None:
    """Set or let go of in one, nothing changes in the other."""
    s = compacted()
    s.pin("m:3")
    first = active(s)
    s.fork(18)
    s.unpin("m:3")
    s.pin("m:17")
    s.append(turns(100, 10))
    s.compact()
    assert [pin.ref for pin in s.pins] == [pin.ref for pin in s.view.pins] == ["m:17"]
    assert f'<pinned ref="m:17">{TALK[16]["content"]}</pinned>' in s.context()[0].text
    s.switch(first)
    assert [pin.ref for pin in s.pins] == ["m:3"]
    s.append(turns(200, 10))
    s.compact()
    assert f'<pinned ref="m:3">{TALK[2]["content"]}</pinned>' in s.context()[0].text
    assert "m:17" not in [pin.ref for pin in s.view.pins]


def test_what_was_unpinned_stays_so_in_a_branch() -> None:
    """By a rule only what is said in the branch is pinned; the rest has been judged."""
    s = session(is_pinned=lambda message: message.text.startswith("RULE"))
    s.append([user("RULE one"), user("RULE two"), user("three")])
    s.unpin("m:1")
    s.fork(2)
    s.append(user("RULE here"))
    assert [pin.ref for pin in s.pins] == ["m:2", "m:3"]
    s.switch(s.branches()[0].id)
    assert [pin.ref for pin in s.pins] == ["m:2"]


# -- system messages -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("compact", [False, True])
def test_a_superseded_system_message_stands_again_before_its_successor(compact: bool) -> None:
    """Also where the view that the branch shares is one that had left it out."""
    s = session(policy=POLICY, drafter=ScriptedDrafter())
    old, new, on = system("be brief"), system("be long"), user("on")
    s.append([old, *EARLY])
    assert s.sync([new, *EARLY, on]).superseded == 1
    if compact:
        assert s.compact().committed
        assert 1 not in {getattr(entry, "seq", 0) for entry in s.view.head}
    first = active(s)
    log = [old, *EARLY, new, on]
    for at, head in ((16, [old]), (17, [new]), (18, [new])):
        s.switch(first)
        s.fork(at)
        shown = dicts(s.context())
        assert [message for message in shown if message["role"] == "system"] == head == shown[:1]
        assert (s.view.version, shown[-1]) == (int(compact), on if at == 18 else EARLY[-1])
        assert said(s) == log[:at]
        again = session(s._archive, policy=POLICY)
        assert dicts(again.context()) == shown


# -- pruned --------------------------------------------------------------------------------------------------


def test_what_was_pruned_is_gone_in_branches_too() -> None:
    """A gap stands for it, or the summary where that stands for no more; every branch says what is gone."""
    with SQLiteArchive() as archive:
        s = compacted(archive)
        before = dicts(s.context())
        assert archive.prune(max_age=0).messages == 13
        assert dicts(s.context()) == before
        for at in range(1, 22):
            fork = s.fork(at, session_id=f"at {at}")
            assert fork.history()[0].text.startswith(f"[m:1-m:{min(at, 13)}: " if at > 1 else "[m:1: 1 ")
            assert dicts(fork.history()[1:]) == TALK[13:at]
            assert "the text is gone" in fork.expand("m:1")[0].text
            if at >= 15:
                assert dicts(fork.context()) == before[: len(before) - (len(TALK) - at)]
            fork.append([assistant("hm"), user("on")])
            shown = accepted(fork, [*TALK[:at], assistant("hm"), user("on")])
            assert ("archived]" in shown[0]["content"]) == (at < 13)
            assert ("as drafted" in shown[0]["content"]) == (at >= 13)
            assert "question 3" not in str(shown)
            assert {"m:5", "m:6"}.isdisjoint(hit.ref for hit in fork.recall("question 3 answer", 99))
        assert archive.verify() == []


def test_a_branch_keeps_what_its_view_shows_from_being_pruned() -> None:
    """It was forked before the compaction, so it shows all that the compaction put away."""
    with SQLiteArchive() as archive:
        s = compacted(archive)
        s.fork(6, session_id="keeps")
        archive.prune(max_age=0)
        assert said(session(archive, session_id="keeps")) == TALK[:6]
        assert s.expand("m:7")[0].text.startswith("[m:7: 1 message")


# -- edits ---------------------------------------------------------------------------------------------------


def test_an_output_that_was_repeated_later_stands_again() -> None:
    """A line that points to a message behind the fork would be of no use in the branch."""
    s = session(window=10_000, policy=Policy.masking(keep=("messages", 1)))
    source = "\n".join(f"line {number} of the file" for number in range(80))
    first, second = ([asks(name), answers(name, source)] for name in ("a", "b"))
    talk = [user("read it"), *first, assistant("read"), *turns(1, 3, 6), user("again"), *second, user("so?")]
    s.append(talk)
    assert s.compact().committed
    shown = dicts(s.context())
    assert "came again later" in shown[2]["content"]
    s.fork(11)
    assert accepted(s, talk[:11], room=10_000) == talk[:11]
    s.append(user("on"))
    assert accepted(s, [*talk[:11], user("on")], room=10_000) == [*talk[:11], user("on")]
