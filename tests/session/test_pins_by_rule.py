"""``is_pinned``: what it says is stored with the messages, once for all, and the user has the last word."""

from __future__ import annotations

from pathlib import Path

import pytest

from context_compaction import Message, Retention, Session, SQLiteArchive
from context_compaction.testing.faults import FaultPoints
from tests.session.talks import session, turns
from tests.windows import assistant, user


def rule(message: Message) -> bool:
    return message.text.startswith("RULE")


def by_rule(archive: SQLiteArchive, session_id: str = "s") -> Session:
    return session(archive, session_id=session_id, is_pinned=rule)


def refs(s: Session) -> list[str]:
    return [pin.ref for pin in s.pins]


def test_an_append_is_one_transaction_with_its_pins_or_without():
    """And where nothing is to be pinned it runs the very statements that it runs without a rule."""
    with FaultPoints() as points, SQLiteArchive() as archive:
        ran: list[list[str]] = []
        for s in (session(archive, session_id="without"), by_rule(archive)):
            s.append(user("one"))
            points.arm()
            s.append([user("two"), assistant("three")])
            ran.append(list(points.statements))
        assert ran[0] == ran[1]
        points.arm()
        s.append([user("RULE one"), assistant("four"), user("RULE two")])
        assert points.statements.count("BEGIN IMMEDIATE") == 1
        assert sum("INTO pins" in sql for sql in points.statements) == 2
        assert refs(s) == refs(by_rule(archive)) == ["m:4", "m:6"]


def test_a_retention_that_runs_behind_the_append_finds_the_pin():
    """All that is as old as now goes, but for what was pinned as it came."""
    with SQLiteArchive(retention=Retention(max_age=0, every=0, uncovered=True)) as archive:
        s = by_rule(archive)
        s.append([user("RULE one"), user("gone"), user("RULE two")])
        gone, texts = "[m:2: 1 message", [message.text for message in s.history()]
        assert (texts[0], texts[1][: len(gone)], texts[2]) == ("RULE one", gone, "RULE two")


def test_who_has_no_rule_judges_nothing():
    """Its compactions do not keep a later session from pinning what they still show."""
    with SQLiteArchive() as archive:
        with session(archive, session_id="s") as s:
            s.append([*turns(1, 9), user("RULE one")])
            assert s.compact().committed
        assert refs(by_rule(archive)) == ["m:19"]


@pytest.mark.parametrize("ruled", [True, False])
def test_the_user_has_the_last_word(ruled: bool, tmp_path: Path):
    """What was let go of is not pinned anew: by this session, one opened later, or one that only follows."""
    with SQLiteArchive(tmp_path / "archive.db") as archive, SQLiteArchive(tmp_path / "archive.db") as other:
        follower = by_rule(other)
        s = by_rule(archive)
        s.append(user("RULE one"))
        (s if ruled else session(archive, session_id="s")).unpin("m:1")
        follower.append(user("RULE two"))
        s.append(user("RULE three"))
        follower.context()
        for seen in (follower, by_rule(archive)):
            assert refs(seen) == ["m:2", "m:3"]


def test_a_rule_that_raises_stores_nothing():
    def broken(message: Message) -> bool:
        if message.text == "three":
            raise KeyError(message.text)
        return rule(message)

    with SQLiteArchive() as archive:
        s = session(archive, session_id="s", is_pinned=broken)
        s.append(user("RULE one"))
        with pytest.raises(KeyError):
            s.append([user("RULE two"), user("three")])
        assert [message.text for message in s.history()] == ["RULE one"]
        assert refs(s) == refs(by_rule(archive)) == ["m:1"]
