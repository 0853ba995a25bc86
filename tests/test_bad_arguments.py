"""Arguments of another kind than a method takes: a typed error names them, and nothing has happened."""

from __future__ import annotations

from typing import Any

import pytest

from context_compaction import Budget, Session, compact
from context_compaction.errors import InvalidMessage, InvalidPolicy, UnknownReference
from tests.session.talks import session, turns

SETTINGS = [
    ("session_id", 42),
    ("session_id", None),
    ("namespace", b"x"),
    ("policy", "layered"),
    ("tools", 5),
]


@pytest.mark.parametrize(("name", "value"), SETTINGS)
def test_a_setting_of_another_kind_is_named(name: str, value: Any) -> None:
    options: dict[str, Any] = {"budget": Budget(1000), name: value}
    with pytest.raises(TypeError, match=f"{name} is a "):
        Session(**options)
    with pytest.raises(TypeError, match="budget is a Budget"):
        Session(budget=8192)  # type: ignore[arg-type]


def test_a_fork_into_a_session_without_a_name_writes_nothing() -> None:
    s = session()
    s.append(turns(1, 2))
    with pytest.raises(TypeError, match="session_id is a str"):
        s.fork(1, 42)  # type: ignore[arg-type]
    assert len(s.branches()) == 1


@pytest.mark.parametrize("messages", [None, 5])
def test_what_is_no_list_of_messages_is_told(messages: Any) -> None:
    s = session()
    for use in (s.append, s.sync, lambda given: compact(given, budget=Budget(1000))):
        with pytest.raises(InvalidMessage, match="expected a list of messages, or one message, not"):
            use(messages)


@pytest.mark.parametrize("edits", ["compaction", 5, [5], {"type": "compaction"}], ids=str)
def test_edits_that_are_none_are_told(edits: Any) -> None:
    s = session()
    s.append(turns(1, 2))
    with pytest.raises(InvalidPolicy, match="give a list of edits such as"):
        s.context(context_management=edits)


@pytest.mark.parametrize("ref", [None, 1.5, b"m:1", [], "m:9"], ids=str)
def test_what_names_no_message_is_told_wherever_one_is_named(ref: Any) -> None:
    s = session()
    s.append(turns(1, 2))
    for use in (s.fork, s.pin, s.unpin, s.expand, lambda found: s.expand(found, scope="namespace")):
        with pytest.raises(UnknownReference, match="references look like"):
            use(ref)
    assert (s.pins, len(s.branches())) == ((), 1)


@pytest.mark.parametrize("place", [-1, 9])
def test_a_place_that_is_not_there_is_told(place: int) -> None:
    s = session()
    s.append(turns(1, 2))
    with pytest.raises(UnknownReference, match=f"m:{place}"):
        s.fork(place)
    assert len(s.branches()) == 1
