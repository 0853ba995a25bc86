"""A session taken up again, here or in another process, goes on as if it had never been closed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from context_compaction import CannotCompact, Policy, Session, Usage, open_archive
from tests.histories import histories
from tests.session.talks import dicts, filling, session, turns, wire
from tests.windows import asks, assistant, user

OTHER_PROCESS = """
import json, sys
from tests.session.talks import session, dicts
from context_compaction import Policy
path, preset = sys.argv[1:]
with session(path, policy=Policy.named(preset), counter=lambda text: len(text.split())) as s:
    first = dicts(s.context())
    s.append({"role": "user", "content": "said by the other process"})
    print(json.dumps([first, dicts(s.context()), len(s.events)]))
"""


@pytest.mark.parametrize("preset", ["layered", "masking", "truncating", "extractive", "anchored"])
def test_a_second_process_renders_the_same_bytes(preset: str, tmp_path: Path) -> None:
    """Compactions, pins, edits and all; what it appends is seen here."""
    path = tmp_path / "a.db"
    with session(path, policy=Policy.named(preset), counter=lambda text: len(text.split())) as s:
        for number in range(40):
            s.append(turns(number, 1, words=30))
            if number == 5:
                s.pin("m:3")
            s.context()
            s.after_turn()
        mine, events = dicts(s.context()), len(s.events)
        assert s.view.version > 1
    done = subprocess.run(
        [sys.executable, "-c", OTHER_PROCESS, str(path), preset],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    first, second, their_events = json.loads(done.stdout)
    assert (first, their_events) == (mine, events)
    with session(path, policy=Policy.named(preset), counter=lambda text: len(text.split())) as s:
        assert dicts(s.context()) == second
        assert s.history()[-1].text == "said by the other process"
        assert [pin.ref for pin in s.pins] == ["m:3"]


@given(histories(10), st.sampled_from(["layered", "truncating", "masking"]), st.integers(0, 9))
@settings(max_examples=40)
def test_closing_and_opening_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, history: list[list[dict[str, Any]]], preset: str, at: int
) -> None:
    """Reopened after any turn, every later context, event and failure is the same."""
    folder = tmp_path_factory.mktemp("reopen")
    seen: list[list[object]] = []
    for reopening in (False, True):
        s = session(folder / f"{reopening}.db", window=400, policy=Policy.named(preset))
        seen.append([])
        for number, batch in enumerate(history):
            s.append(batch)
            seen[-1].append(turn(s))
            if reopening and number % 10 == at:
                s.close()
                s = session(folder / f"{reopening}.db", window=400, policy=Policy.named(preset))
        seen[-1].append([(e.outcome, e.tokens_before, e.tokens_after, e.at_seq, e.rungs) for e in s.events])
        s.close()
    assert seen[0] == seen[1]


def turn(s: Session) -> object:
    """What one turn comes to: the bytes sent, or why they could not be."""
    try:
        shown = s.context()
    except CannotCompact as error:
        return error.items
    size = s.stats.tokens_seen
    s.after_turn(Usage(size + size // 10))
    return wire(shown)


def test_two_sessions_on_one_archive_do_not_mix() -> None:
    """Two ids and two namespaces: four logs."""
    archive = open_archive(":memory:")
    names = [("a", "x"), ("b", "x"), ("a", "y"), ("b", "y")]
    sessions = [session(archive, session_id=one, namespace=space) for one, space in names]
    for number, s in enumerate(sessions):
        s.append(user(f"only in {number}"))
    for number, s in enumerate(sessions):
        assert [message.text for message in s.context()] == [f"only in {number}"]
        s.close()
    archive.close()


def test_a_compaction_by_another_handle_is_taken_over(tmp_path: Path) -> None:
    """Two handles on one session: who comes second reloads and compacts what there is then."""
    with session(tmp_path / "a.db") as one, session(tmp_path / "a.db") as two:
        one.append(filling(950))
        two.append(user("hello from two"))
        assert one.compact().committed
        two.append(turns(60, 3))
        assert two.compact().committed
        assert two.view.version == 2
        one.append(turns(70, 8))
        shown = one.context()
        assert [event.version for event in two.events if event.committed][:2] == [1, 2]
        assert dicts(two.history()) == dicts(one.history())
        two.append(user("last"))
        assert dicts(two.history())[-1] == user("last")
        assert shown


@pytest.mark.parametrize("work", [Session.compact, Session.after_turn, Session.preview, Session.context])
def test_a_prune_before_the_first_look(work: Callable[[Session], object]) -> None:
    """A session that was opened and not looked at yet shows what is there then: not a call that is gone."""
    with open_archive(":memory:") as archive:
        session(archive).append([user("x"), asks("c"), user("y"), assistant("z")])
        s = session(archive)
        archive.prune(max_age=0, uncovered=True)
        work(s)
        assert "m:1-m:4: 4 messages archived" in s.context()[0].text
        assert s.stats.messages_seen == 1
        s.append(user("new"))
        assert [message.text for message in s.context()][1:] == ["new"]


def test_a_second_compaction_by_hand_does_not_trip_over_the_first(tmp_path: Path) -> None:
    """Nothing was appended in between, so nothing told the second handle that the view had moved."""
    with session(tmp_path / "a.db") as one, session(tmp_path / "a.db") as two:
        one.append(filling(950))
        two.append(user("in step"))
        one.append(user("both know all"))
        two.append(user("again"))
        assert one.compact().committed
        assert two.compact().outcome in ("nothing_to_do", "reduced")
        assert two.view.version >= 1


def test_closing_twice_is_fine_and_the_archive_of_the_caller_stays_open() -> None:
    archive = open_archive(":memory:")
    s = session(archive)
    s.append(user("hello"))
    s.close()
    s.close()
    with session(archive) as again:
        assert len(again.history()) == 1
    archive.close()
