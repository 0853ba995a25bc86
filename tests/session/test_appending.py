"""What goes into the log: all of a batch or nothing, each id once."""

from __future__ import annotations

from typing import Any

import pytest

from context_compaction import DuplicateMessage, InvalidMessage, Message, Session, TextBlock
from tests.session.talks import dicts, filling, session, size, turns, wire
from tests.windows import answers, asks, assistant, user


def unchanged(s: Session, said: list[dict[str, Any]]) -> None:
    """The log holds exactly this, and goes on."""
    assert dicts(s.history()) == said
    assert s.stats.messages_said == len(said)
    s.append(user("and on"))
    assert dicts(s.context())[-1] == user("and on")
    assert dicts(s.history()) == [*said, user("and on")]


def test_the_same_id_with_equal_content_is_stored_once() -> None:
    """Again on its own, within a batch, after a compaction, and with its keys in another order."""
    s = session()
    first = {**user("hello there"), "id": "u1"}
    s.append(first)
    s.append(first)
    s.append([{"id": "u1", "content": "hello there", "role": "user"}, user("more"), first])
    s.append(turns(1, 5))
    s.compact()
    shown = wire(s.context())
    s.append(first)
    assert wire(s.context()) == shown
    assert dicts(s.history()) == [first, user("more"), *turns(1, 5)]


def test_the_same_id_with_other_content_is_refused_with_its_index() -> None:
    """And so is all that came with it."""
    s = session()
    said = [{**user("hello there"), "id": "u1"}, assistant("hi")]
    s.append(said)
    with pytest.raises(DuplicateMessage, match="'u1'") as caught:
        s.append([user("fine"), {**user("hello you"), "id": "u1"}])
    assert (caught.value.index, caught.value.message_id) == (1, "u1")
    unchanged(s, said)


def test_an_id_twice_in_a_batch_with_other_content_is_refused() -> None:
    s = session()
    with pytest.raises(DuplicateMessage) as caught:
        s.append([{**user("one"), "id": "x"}, user("between"), {**user("two"), "id": "x"}])
    assert caught.value.index == 2
    unchanged(s, [])


def test_messages_without_an_id_are_always_new() -> None:
    s = session()
    for _ in range(3):
        s.append(user("again"))
    assert dicts(s.history()) == [user("again")] * 3


@pytest.mark.parametrize("bad", [{"role": "narrator", "content": "x"}, {"role": "user"}, "text", None, 7])
@pytest.mark.parametrize("place", [0, 3, 6])
def test_a_batch_with_one_bad_message_stores_nothing(bad: Any, place: int) -> None:
    """Typed, with the index of the culprit; an open tool call before it stays open."""
    s = session()
    said = [user("look"), asks("c1")]
    s.append(said)
    batch: list[Any] = [answers("c1"), *turns(1, 2), user("last")]
    batch.insert(place, bad)
    with pytest.raises(InvalidMessage, match=f"message {place}") as caught:
        s.append(batch)
    assert caught.value.index == place
    assert dicts(s.history()) == said
    s.append(answers("c1", "found"))
    assert dicts(s.context()) == [*said, answers("c1", "found")]


def test_nothing_is_a_batch_too() -> None:
    s = session()
    s.append([])
    assert s.history() == []
    assert s.context() == []


def test_one_message_needs_no_list() -> None:
    """A dict, and a `Message` made by hand."""
    s = session()
    s.append(user("hello"))
    s.append(Message("assistant", (TextBlock("hi"),)))
    assert dicts(s.context()) == [user("hello"), assistant("hi")]


async def test_the_asynchronous_twin_does_the_same() -> None:
    s = session()
    await s.aappend(filling(300))
    with pytest.raises(InvalidMessage):
        await s.aappend([user("x"), {"role": "user"}])
    assert dicts(s.history()) == filling(300)
    assert size(await s.acontext()) == 300
    assert dicts(await s.aexpand("m:1")) == filling(300)[:1]
