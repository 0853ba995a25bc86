"""`Session.sync`: the log follows a list that somebody else keeps, and nothing is ever lost."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from context_compaction import Message, open_archive
from context_compaction.messages import openai
from context_compaction.testing.faults import FaultPoints
from tests.session.lists import Dict, active, named, said, stored, talk
from tests.session.talks import session, turns
from tests.windows import assistant, system, user


class Meter:
    """Counts what a call reads: messages of the list, and statements of the archive."""

    def __init__(self, points: FaultPoints, monkeypatch: pytest.MonkeyPatch) -> None:
        self._points, self._read = points, openai.read_openai
        self.parsed = 0
        monkeypatch.setattr(openai, "read_openai", self._counting)

    def _counting(self, data: Mapping[str, Any]) -> Message:
        self.parsed += 1
        return self._read(data)

    def cost(self, call: Callable[[], object]) -> tuple[int, int]:
        """Messages parsed and statements run by a call."""
        self.parsed = 0
        self._points.arm()
        call()
        return self.parsed, len(self._points.statements)


@pytest.fixture
def points():
    with FaultPoints() as found:
        yield found


def identity(messages: list[Dict]) -> list[Dict]:
    return messages


both = pytest.mark.parametrize("form", [identity, named], ids=["without ids", "with ids"])
Form = Callable[[list[Dict]], list[Dict]]


@both
def test_a_list_that_grew_is_appended(form: Form) -> None:
    """From nothing, by some, by one; the log equals it each time."""
    s, whole = session(), form(talk(6))
    for length in (1, 5, 6, len(whole)):
        before = len(s.history())
        done = s.sync(whole[:length])
        assert (done.kind, done.appended, done.superseded) == ("grown", length - before, 0)
        assert said(s) == whole[:length]
    assert len(s.branches()) == 1


@both
def test_an_unchanged_list_writes_nothing(form: Form, points: FaultPoints) -> None:
    """Not even a transaction that could write; nor does one that is opened again."""
    archive, whole = open_archive(":memory:"), form(talk())
    s = session(archive)
    s.sync(whole)
    for again in (s, session(archive)):
        for deep in (False, True):
            points.arm()
            done = again.sync(copy.deepcopy(whole), deep)
            assert (done.kind, done.appended, done.forked_at) == ("unchanged", 0, None)
            assert {sql.split()[0] for sql in points.statements} <= {"BEGIN", "SELECT", "COMMIT", "ROLLBACK"}
            assert "BEGIN IMMEDIATE" not in points.statements


@both
@pytest.mark.parametrize("prompt", ["be brief", "it is noon"], ids=["same prompt", "other prompt"])
def test_what_a_turn_costs_does_not_depend_on_the_length(
    form: Form, prompt: str, points: FaultPoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two new messages behind 2,000: as much is parsed and asked of the archive as behind 20."""
    costs: list[list[tuple[int, int]]] = []
    meter = Meter(points, monkeypatch)
    for length in (20, 2000):
        s, whole = session(), form([system("be brief"), *turns(1, length // 2 + 2, 3)])
        s.sync(whole[: length + 1])
        whole[0] = {**whole[0], "content": prompt}
        costs.append(
            [meter.cost(lambda end=end: s.sync(whole[: length + end])) for end in (1, 3, 3, 5)]  # noqa: B023
        )
    assert costs[0] == costs[1]
    assert max(parsed for parsed, _ in costs[1]) <= 3
    assert costs[1][2] == (0, costs[1][2][1])


def test_with_ids_a_new_process_reads_the_newest_only(
    points: FaultPoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was never told the list; ids say the rest, trimmed or not."""
    archive, whole = open_archive(":memory:"), named([system("be brief"), *turns(1, 1001, 3)])
    session(archive).sync(whole[:-2])
    meter = Meter(points, monkeypatch)
    for messages in (whole[:-2], [whole[0], *whole[1000:-2]], whole[1500:]):
        s = session(archive)
        parsed, _ = meter.cost(lambda: s.sync(messages))  # noqa: B023
        assert parsed <= 2 * 8 + 2
        assert len(s.branches()) == 1
    assert said(session(archive)) == whole


DIVERGING: dict[str, tuple[Callable[[list[Dict]], list[Dict]], int]] = {
    "edited": (lambda m: [*m[:3], user("other"), *m[4:]], 3),
    "edited at the end": (lambda m: [*m[:-1], assistant("other")], 8),
    "edited at the beginning": (lambda m: [m[0], user("other"), *m[2:]], 1),
    "edited, and cut there": (lambda m: [*m[:5], user("other")], 5),
    "regenerated": (lambda m: [*m[:-1], assistant("other"), user("and on")], 8),
    "removed": (lambda m: [*m[:4], *m[5:]], 4),
    "two removed": (lambda m: [*m[:3], *m[5:]], 3),
    "inserted": (lambda m: [*m[:6], user("new"), *m[6:]], 6),
    "swapped": (lambda m: [*m[:5], m[6], m[5], *m[7:]], 5),
    "doubled": (lambda m: [*m[:5], m[4], *m[5:]], 5),
    "cut": (lambda m: m[:5], 5),
    "nothing but the prompt": (lambda m: m[:1], 1),
    "nothing": (lambda _: [], 0),
    "begun anew": (lambda m: [m[0], user("hello")], 1),
    "a foreign summary": (lambda m: [m[0], user("They spoke of things."), *m[6:]], 1),
}


@both
@pytest.mark.parametrize("name", DIVERGING)
@pytest.mark.parametrize("reopened", [False, True], ids=["known", "reopened"])
def test_a_diverging_list_forks(form: Form, name: str, *, reopened: bool) -> None:
    """At the last message that agrees; the log equals the list, and the other branch stays as it was."""
    change, at = DIVERGING[name]
    archive, whole = open_archive(":memory:"), form(talk())
    s = session(archive)
    s.sync(whole)
    parent = active(s)
    changed = [
        {**message, "id": f"new-{place}"} if form is named and "id" not in message else message
        for place, message in enumerate(change(whole))
    ]
    if form is named and name == "doubled":
        changed[5] = {**changed[5], "id": "doubled"}
    s = session(archive) if reopened else s
    done = s.sync(changed)
    assert (done.kind, done.forked_at, done.appended) == ("forked", at, len(changed) - at)
    assert (done.branch, said(s), said(s, parent)) == (active(s), changed, whole)
    assert s.sync(changed).kind == "unchanged"
    more = {**user("more"), **({"id": "more"} if form is named else {})}
    assert s.sync([*changed, more]).kind == "grown"
    assert said(s) == [*changed, more]
    assert said(session(archive), parent) == whole


@both
def test_time_travel_finds_its_way_back(form: Form) -> None:
    """To a prefix, back, forth again, on from either: branches that are there are used, nothing is copied."""
    s, whole = session(), form(talk())
    s.sync(whole)
    first = active(s)
    assert s.sync(whole[:5]).kind == "forked"
    second = active(s)
    assert s.sync(whole).kind == "switched"
    assert (active(s), said(s)) == (first, whole)
    assert s.sync(whole[:5]).kind == "switched"
    assert (active(s), said(s)) == (second, whole[:5])
    other = [*whole[:5], *form([user("x"), assistant("y")])]
    if form is named:
        other[5:] = named(other[5:], "other")
    assert s.sync(other).kind == "grown"
    assert s.sync([*whole, *other[5:]]).kind == "switched"
    assert said(s) == [*whole, *other[5:]]
    assert s.sync(other).kind == "switched"
    assert (active(s), said(s)) == (second, other)
    assert (len(s.branches()), stored(s)) == (2, len(whole) + 4)


@both
@pytest.mark.parametrize("reopened", [False, True], ids=["known", "reopened"])
def test_a_trimmed_list_is_no_difference(form: Form, *, reopened: bool) -> None:
    """With or without its system prompt, to any length, with new messages or not."""
    archive = open_archive(":memory:")
    s, whole = session(archive), form(talk(6))
    s.sync(whole[:9])
    for start, end, prompt in ((3, 9, True), (8, 9, False), (5, 11, False), (9, 12, True), (4, 13, True)):
        s = session(archive) if reopened else s
        s.sync([*whole[: int(prompt)], *whole[start:end]])
        assert said(s) == whole[:end]
        assert s.sync(whole[:end]).kind == "unchanged"
    assert len(s.branches()) == 1


def test_a_list_may_be_trimmed_right_before_a_system_message() -> None:
    """It stands with the system prompt then, of which it is none: it is not stored twice."""
    s, whole = session(), [*talk(2), system("careful now"), *turns(3, 2, 6)]
    s.sync(whole)
    for messages in ([whole[0], *whole[5:]], whole[5:], [whole[0], *whole[5:], user("new")]):
        s.sync(messages)
        assert said(s)[: len(whole)] == whole
    assert (len(s.branches()), stored(s)) == (1, len(whole) + 1)


def test_equal_messages_without_ids() -> None:
    """They are told apart by where they stand, as far as that can be known."""
    s, ok = session(), user("ok")
    for count in (1, 3, 4):
        s.sync([ok] * count)
        assert len(s.history()) == count
    assert s.sync([ok, ok]).kind == "forked"  # known to be the first two: it is the list of last time, cut
    assert session().sync([ok] * 3).appended == 3


def test_ids_decide_over_the_list_and_content_for_the_newest() -> None:
    """An old message of the same id is not read again, unless asked to."""
    archive, whole = open_archive(":memory:"), named(talk(10))
    session(archive).sync(whole)
    old = [*whole[:2], {**whole[2], "content": "other"}, *whole[3:]]
    assert session(archive).sync(old).kind == "unchanged"
    new = [*whole[:-3], {**whole[-3], "content": "other"}, *whole[-2:]]
    assert session(archive).sync(new).forked_at == len(whole) - 3
    s = session(archive)
    assert s.sync(old, deep=True).forked_at == 2
    assert said(s) == old


def test_metadata_alone_is_no_difference() -> None:
    """Of a message, nor ids that come later, nor ids that go."""
    archive, whole = open_archive(":memory:"), talk()
    session(archive).sync(whole)
    marked = [{**message, "metadata": {"n": n}, "timestamp": n} for n, message in enumerate(whole)]
    for messages in (marked, named(whole), named(marked), whole):
        for s in (session(archive), session(archive)):
            assert s.sync(messages, deep=True).kind == "unchanged"
            assert s.sync(whole).kind == "unchanged"
