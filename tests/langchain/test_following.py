"""A session follows a list: what grew is appended without a look at the rest, all else becomes a branch."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from context_compaction import Budget, Session
from langchain_compaction.agents.following import Known, afollow, follow

BEFORE = [HumanMessage("hello", id="1"), AIMessage("hi", id="2")]
LEFT, RIGHT, MORE = (HumanMessage(text, id=text) for text in ("left", "right", "more"))


class Counting(Session):
    """Counts how often it was told a whole list."""

    synced = 0

    def sync(self, messages: Any, deep: bool = False, **how: Any) -> Any:
        self.synced += 1
        return super().sync(messages, deep, **how)

    async def async_(self, messages: Any, deep: bool = False, **how: Any) -> Any:
        self.synced += 1
        return await super().async_(messages, deep, **how)


@pytest.fixture
def session():
    with Counting(budget=Budget(8192)) as opened:
        yield opened


async def told(session: Session, known: Known, said: Any, way: str) -> None:
    if way == "sync":
        follow(session, known, said)
    else:
        await afollow(session, known, said)


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_a_list_that_grew_is_not_compared(session: Counting, way: str):
    known = Known(threading.Lock())
    for said in (BEFORE, [*BEFORE, LEFT], [*BEFORE, LEFT, MORE], [*BEFORE, LEFT, MORE]):
        await told(session, known, known.reader.read(said), way)
    assert [message.text for message in session.history()] == ["hello", "hi", "left", "more"]
    assert session.synced == 1
    assert len(session.branches()) == 1


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_another_list_is(session: Counting, way: str):
    """Two runs on one thread from one checkpoint, the second one read before the first was followed."""
    known = Known(threading.Lock())
    await told(session, known, known.reader.read(BEFORE), way)
    left = known.reader.read([*BEFORE, LEFT])
    right = known.reader.read([*BEFORE, RIGHT])
    further = known.reader.read([*BEFORE, RIGHT, MORE])
    await told(session, known, left, way)
    await told(session, known, further, way)
    assert [message.text for message in session.history()] == ["hello", "hi", "right", "more"]
    await told(session, known, right, way)
    await told(session, known, left, way)
    assert [message.text for message in session.history()] == ["hello", "hi", "left"]


def test_another_writer_went_on(session: Counting):
    known = Known(threading.Lock())
    follow(session, known, known.reader.read(BEFORE))
    other = Session(session.archive, budget=Budget(8192))
    other.append({"role": "user", "content": "in between", "id": "left"})
    follow(session, known, known.reader.read([*BEFORE, LEFT]))
    assert [message.text for message in session.history()] == ["hello", "hi", "left"]


def test_nothing_said():
    with Session(budget=Budget(8192)) as session:
        known = Known(threading.Lock())
        follow(session, known, known.reader.read([]))
        follow(session, known, known.reader.read(BEFORE))
        assert len(session.history()) == 2
