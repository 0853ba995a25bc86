"""No thrash: a SOFT that gained too little is not tried again until there is something new to gain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from context_compaction import Policy, Session
from context_compaction.events import CompactionObserver
from context_compaction.policy import Rule, truncating
from tests.session.talks import ENVELOPE, filling, session, turns
from tests.windows import assistant, user


def hopeless(**options: Any) -> Rule:
    """A rule that can free next to nothing: the tail is nearly all."""
    return truncating(keep=0.99, target=0.1, **options)


def attempts(s: Session, side: str) -> int:
    return sum(event.trigger == side for event in s.events)


SIDES = {"pre_turn": lambda s: s.context(), "post_turn": lambda s: s.after_turn()}


@pytest.mark.parametrize("side", SIDES)
def test_an_attempt_that_freed_nothing_is_not_repeated(side: str) -> None:
    """Not by asking again, nor after a message that may not leave."""
    s = session(policy=Policy(**{side: hopeless()}))  # pyright: ignore[reportArgumentType]
    s.append(filling(920))
    for _ in range(3):
        SIDES[side](s)
    s.append(assistant("a few words and then some " * 8))
    SIDES[side](s)
    assert attempts(s, side) == 1
    assert not s.events[0].committed


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("tokens", "again"), [(53, 1), (54, 2)])
def test_it_is_repeated_once_min_reclaim_has_come(side: str, tokens: int, again: int) -> None:
    """5 % of 1000: what may be freed has to grow by 50 tokens, 49 are too few.

    The newest message belongs to the floor, so it counts from the next one on; and its gap line costs four.
    """
    s = session(policy=Policy(**{side: hopeless(trigger=0.5)}))  # pyright: ignore[reportArgumentType]
    s.append([*turns(1, 6), user("and now?")])
    SIDES[side](s)
    s.append(assistant("text " * (tokens - ENVELOPE)))
    SIDES[side](s)
    assert attempts(s, side) == 1
    s.append(assistant("done"))
    SIDES[side](s)
    assert attempts(s, side) == again


def test_the_sides_are_armed_apart() -> None:
    """What one side tried is no reason for the other to keep still."""
    s = session(policy=Policy(pre_turn=hopeless(), post_turn=hopeless()))
    s.append(filling(920))
    s.context()
    s.after_turn()
    assert [event.trigger for event in s.events] == ["pre_turn", "post_turn"]


def test_under_the_trigger_it_is_armed_again() -> None:
    """A compaction by hand brings the view down; the next time over the trigger it is tried at once."""
    s = session(policy=Policy(pre_turn=hopeless(trigger=0.5), post_turn=truncating(keep=("messages", 2))))
    s.append(turns(1, 6))
    s.context()
    assert s.compact().committed
    s.context()
    s.append(turns(50, 5))
    s.context()
    assert attempts(s, "pre_turn") == 2


def test_the_attempt_is_persisted(tmp_path: Path) -> None:
    """Whoever opens the session next does not repeat it."""
    for _ in range(3):
        with session(tmp_path / "a.db", policy=Policy(pre_turn=hopeless(), post_turn=hopeless())) as s:
            if not s.stats.messages_said:
                s.append(filling(920))
            s.context()
            s.after_turn()
            assert (attempts(s, "pre_turn"), attempts(s, "post_turn")) == (1, 1)


def test_being_armed_again_is_persisted_too(tmp_path: Path) -> None:
    """The dip under the trigger was seen by a process that is gone; the next one knows of it."""
    policy = Policy(pre_turn=hopeless(trigger=0.5), post_turn=truncating(keep=("messages", 8)))
    counts: list[int] = []
    for reopened in (False, True):
        path = tmp_path / f"{reopened}.db"
        s = session(path, policy=policy)
        s.append(turns(1, 6))
        s.context()
        assert s.compact().committed
        s.context()
        if reopened:
            s.close()
            s = session(path, policy=policy)
        s.append(turns(50, 1))
        s.context()
        counts.append(attempts(s, "pre_turn"))
        s.close()
    assert counts == [2, 2]


def test_a_vetoed_attempt_counts_as_one() -> None:
    class No(CompactionObserver):
        def before_compaction(self, event: Any) -> bool:
            return False

    s = session(policy=Policy.truncating(), observers=[No()])
    s.append(filling(920))
    for _ in range(3):
        s.context()
        s.after_turn()
    assert [event.trigger for event in s.events] == ["pre_turn", "post_turn"]


def test_min_reclaim_is_no_bar_on_hard() -> None:
    """Whatever it takes to fit."""
    s = session(policy=Policy.truncating(min_reclaim=1.0))
    for number in range(12):
        s.append(turns(number, 1))
        s.context()
    assert {event.level for event in s.events if event.committed} == {"hard"}
    assert attempts(s, "pre_turn") <= 4
