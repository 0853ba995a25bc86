"""Any history, forked anywhere: the branch is a session of that log, and nothing of either is lost."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from context_compaction import CannotCompact, Policy, Session, open_archive
from context_compaction.testing.drafters import ScriptedDrafter
from tests.checker import ChatMessage, Request, check_prefix, check_request
from tests.checker.floor import Terms, floor
from tests.histories import histories
from tests.session.lists import said
from tests.session.talks import dicts, session
from tests.test_properties import PRESETS, WORDS, count

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
STORM = os.environ.get("HYPOTHESIS_PROFILE") == "storm"
"""Only a storm looks for what nobody has seen yet: `make test` is the same each time."""
EXAMPLES = 200 if STORM else 25
"""For each preset: generated conversations, each forked once and gone on with on both sides."""
WINDOWS = (300, 700, 2000)
Dict = dict[str, Any]


class Judge:
    """A session with the log that it is judged by."""

    def __init__(self, session: Session, log: list[ChatMessage]) -> None:
        self.session = session
        self.log = log
        self.previous: list[Dict] | None = None
        self.events = 0

    def request(self) -> None:
        """What it shows is the context of its log, or what must stay does not fit."""
        room = self.session.stats.input_tokens
        try:
            shown = dicts(self.session.context())
        except CannotCompact:
            pins = sorted({pin.seq for pin in self.session.pins})
            assert floor(self.log, Terms(room, count, pins=pins)).justifies(room)
            return
        # Those set since the last compaction show at the next one.
        pins = sorted({pin.seq for pin in self.session.view.pins})
        problems = check_request(Request(self.log, shown, room, {"own": count}, pins=pins))
        committed = any(event.committed for event in self.session.events[self.events :])
        if self.previous is not None:
            problems += check_prefix(self.previous, shown, self.log, committed)
        assert problems == []
        self.previous, self.events = shown, len(self.session.events)

    def say(self, batch: list[ChatMessage]) -> None:
        """Append, and ask for a context."""
        self.log = [*self.log, *batch]
        self.session.append(batch)
        self.request()

    def whole(self) -> None:
        """All that was said comes back, and each summary leads to messages of this log."""
        assert said(self.session) == self.log
        branch = self.session._current()
        summaries = self.session._archive.summaries(branch)
        for number, record in summaries.items():
            originals = [self.log[seq - 1] for seq in record.seqs]
            assert dicts(self.session.expand(f"s:{number}")) == originals
        assert set(self.session.view.summaries) <= summaries.keys()
        for pin in self.session.pins:
            assert self.session.expand(pin.ref)[0].to_openai() == self.log[pin.seq - 1]


def opened(archive: Any, preset: str, window: int) -> Session:
    policy = Policy.named(preset)
    return session(archive, window=window, policy=policy, counter=WORDS, drafter=ScriptedDrafter())


@pytest.mark.parametrize("preset", PRESETS)
@given(before=histories(8), behind=histories(3), window=st.sampled_from(WINDOWS), data=st.data())
@settings(max_examples=EXAMPLES, suppress_health_check=QUIET, derandomize=not STORM)
def test_a_fork_is_a_session_of_its_log(
    preset: str,
    before: list[list[ChatMessage]],
    behind: list[list[ChatMessage]],
    window: int,
    data: st.DataObject,
) -> None:
    """Compacted and pinned at will, then forked: both sides are accepted as they are and as they go on."""
    with open_archive(":memory:") as archive:
        parent = Judge(opened(archive, preset, window), [])
        for batch in before:
            parent.say(batch)
            what = data.draw(st.sampled_from(("nothing", "after_turn", "compact", "pin")), label="then")
            if what == "pin":
                parent.session.pin(f"m:{data.draw(st.integers(1, len(parent.log)), label='pinned')}")
            elif what != "nothing":
                getattr(parent.session, what)()
        at = data.draw(st.integers(0, len(parent.log)), label="at")
        first = parent.session.branches()[0].id
        own = data.draw(st.booleans(), label="own session")
        child = Judge(parent.session.fork(at, session_id="own" if own else None), parent.log[:at])
        child.whole()
        if at:
            child.request()
        for batch in behind:
            child.say(batch)
        child.session.after_turn()
        child.whole()
        parent.previous = None
        if not own:
            parent.session.switch(first)
        parent.request()
        parent.say(behind[0])
        parent.whole()
        assert archive.verify() == []


@given(before=histories(6), behind=histories(2), data=st.data())
@settings(max_examples=2 * EXAMPLES, suppress_health_check=QUIET, derandomize=not STORM)
def test_a_branch_shows_and_finds_what_a_session_does_that_was_told_the_same(
    before: list[list[ChatMessage]], behind: list[list[ChatMessage]], data: st.DataObject
) -> None:
    """Forked time and again, before anything had to leave: byte for byte, score for score."""
    with open_archive(":memory:") as archive:
        s = session(archive, session_id="s", window=10**6, counter=WORDS)
        log = [message for batch in before for message in batch]
        s.append(log)
        for batch in behind:
            at = data.draw(st.integers(0, len(log)), label="at")
            s.fork(at)
            log = [*log[:at], *batch]
            s.append(batch)
        fresh = session(archive, session_id="fresh", window=10**6, counter=WORDS)
        fresh.append(log)
        assert dicts(s.context()) == dicts(fresh.context())
        for query in ("word1 word13", "filler lookup", "result read_file a.py"):
            assert [(h.ref, h.score) for h in s.recall(query)] == [
                (h.ref, h.score) for h in fresh.recall(query)
            ]
        rows = [archive.messages(one._current()) for one in (s, fresh)]
        assert rows[0] == rows[1], "the chain of hashes, groups and kinds too"
