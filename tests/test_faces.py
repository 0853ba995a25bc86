"""What every framework's face shares."""

import logging
from typing import Any

import pytest

from context_compaction import Budget, Session, ToolCallBlock
from context_compaction.faces import aafter_turn, after_turn, drafters_of, timestamp_in

BUDGET = Budget(context_window=4096)


def test_a_turn_does_not_fail_for_what_comes_after_it(caplog: pytest.LogCaptureFixture) -> None:
    """An overhead that leaves no room, say."""
    with Session(":memory:", "s1", budget=BUDGET) as session:
        after_turn(session, overhead=10**9)
    assert "compacting ahead of the next one failed" in caplog.text
    assert caplog.records[-1].levelno == logging.WARNING


async def test_nor_does_it_on_an_event_loop(caplog: pytest.LogCaptureFixture) -> None:
    with Session(":memory:", "s1", budget=BUDGET) as session:
        await aafter_turn(session, overhead=10**9)
    assert "compacting ahead of the next one failed" in caplog.text


def test_writers_of_summaries_are_asked_in_the_order_in_which_they_were_given() -> None:
    assert drafters_of(None, ["first", "second"], ("third",), "fourth") == [
        "first",
        "second",
        "third",
        "fourth",
    ]
    assert drafters_of(None, []) is None


@pytest.mark.parametrize(
    ("fields", "time"),
    [
        ([{"created": 2.5, "timestamp": "2024-05-01"}], "2024-05-01"),
        ([{"timestamp": True, "created_at": 7}], 7),
        ([{"timestamp": None}, {"created": 3}], 3),
        ([{}, {"timestamp": ["2024"]}], None),
    ],
)
def test_when_a_message_was_said(fields: list[dict[str, Any]], time: object) -> None:
    assert timestamp_in(*fields) == time


@pytest.mark.parametrize(
    ("arguments", "parsed"),
    [('{"a": [1]}', {"a": [1]}), ("[1]", None), ("{", None), ('{"a":' * 200_000, None)],
    ids=["object", "list", "torn", "deep"],
)
def test_arguments_that_are_no_object_are_told_from_those_that_are(arguments: str, parsed: object) -> None:
    assert ToolCallBlock("c1", "read", arguments).parsed() == parsed
