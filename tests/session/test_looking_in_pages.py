"""Pages, grep, description and bounds through a session: both twins, and never of another log."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from context_compaction import Policy, QueryError, Session, SQLiteArchive
from tests.builders import assistant, user
from tests.session.talks import session, turns

FACT = user("the staging database is frozen on tuesday, see HM-4127", timestamp="2026-03-01T10:00:00Z")


async def test_the_async_twins_answer_the_same() -> None:
    """After the fact has left the view, too."""
    async with session(policy=Policy.truncating()) as s:
        await s.aappend([FACT, assistant("noted"), *turns(1, 12), user("now")])
        await s.acontext()
        assert s.view.gaps
        asked: Any = {"max_tokens": 60}
        page = await s.arecall_page("when is staging frozen?", **asked)
        assert page == s.recall_page("when is staging frozen?", **asked)
        assert page.items[0].ref == "m:1"
        assert page.next is not None
        assert await s.arecall_page("when is staging frozen?", cursor=page.next, **asked) == s.recall_page(
            "when is staging frozen?", cursor=page.next, **asked
        )
        found = await s.agrep(r"HM-\d+", regex=True, context=1)
        assert found == s.grep(r"HM-\d+", regex=True, context=1)
        assert [(hit.ref, hit.text[hit.start : hit.end]) for hit in found.items] == [("m:1", "HM-4127")]
        assert await s.aexpand_page("m:1-m:9", max_tokens=70) == s.expand_page("m:1-m:9", max_tokens=70)
        assert await s.adescribe() == s.describe()
        assert await s.arecall("staging", before=date(2026, 3, 2)) == s.recall("staging", before="m:99")
        assert s.recall("staging", after="m:3") == []


def everything(s: Session) -> str:
    """All that can be looked up, as text."""
    pages = [
        s.recall_page("secret plan", max_tokens=9999),
        s.recall_page("secret plan", after="m:1", max_tokens=9999),
    ]
    lines = [s.grep("secret"), s.grep("s.cret", regex=True), s.grep("SECRET", ignore_case=True, after="m:1")]
    return repr([pages, lines, s.recall("secret plan", before="m:99"), s.describe()])


def test_nothing_of_another_session_namespace_or_branch_is_told() -> None:
    with SQLiteArchive() as archive:
        mine = session(archive, session_id="a")
        mine.append([user("a plan of mine"), assistant("yes"), user("and more")])
        before = everything(mine)
        for other in (
            session(archive, session_id="b"),
            session(archive, session_id="a", namespace="elsewhere"),
        ):
            other.append([user(f"their secret plan {number}") for number in range(20)])
        assert everything(mine) == before
        assert "their" not in before
        fork = mine.fork(2, session_id="c")
        fork.append([user("the secret plan of the fork")])
        assert everything(mine) == before
        assert "secret plan of the fork" in everything(fork)
        assert "and more" not in everything(fork)
        mine.fork(1)
        mine.append([user("a secret plan of the branch")])
        assert "secret plan of the branch" in everything(mine)
        mine.switch(mine.branches()[0].id)
        assert everything(mine) == before


def test_a_reference_beyond_the_fork_is_none_of_the_branch() -> None:
    with session() as s:
        s.append(turns(1, 3))
        s.fork(2)
        with pytest.raises(Exception, match="its messages are m:1 to m:2"):
            s.expand_page("m:3")
        assert s.grep("question").items[-1].ref == "m:1"


HOSTILE = (
    "x " * 500_000,
    "a\0b",
    "\ud800\udfff",
    'NEAR("a" "b") OR *',
    "a & !b | c:*",
    "'" * 9999,
    "(" * 9999,
    "2026-99-99",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_questions_are_answered_or_refused(text: str) -> None:
    """Everywhere where text goes in: an answer, or a typed error of a few words."""
    with session() as s:
        s.append([FACT, assistant("noted")])
        assert s.recall_page(f"{text} staging").items[0].ref == "m:1"
        assert s.grep(text).items == ()
        for call in (
            lambda: s.grep(text, regex=True),
            lambda: s.recall("staging", after=text),
            lambda: s.recall_page("staging", cursor=text),
            lambda: s.grep("staging", before=text),
            lambda: s.expand_page("m:1", cursor=text),
        ):
            told = refused(call)
            assert told is None or len(told) < 500


def refused(call: Any) -> str | None:
    try:
        call()
    except QueryError as error:
        return str(error)
    return None
