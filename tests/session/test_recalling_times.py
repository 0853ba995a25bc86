"""A question that says how long ago, asked at a time."""

from __future__ import annotations

from typing import Any

from context_compaction import Budget, Message, Policy, Session

DAY = 86_400.0
START = 1_684_400_000.0
DAYS = 40
QUESTION = "What did I do in the garden two weeks ago?"


def recalled(*, timestamp: float | None) -> list[str]:
    """What is recalled when a question comes after forty days, each with the same words about another bed."""
    policy = Policy.layered(recall_share=("tokens", 160))
    with Session(budget=Budget(context_window=1024, reserve_tokens=0), policy=policy) as session:
        for day in range(DAYS):
            said: dict[str, Any] = {
                "role": "user",
                "content": f"Worked in the garden, bed {day} is done. " * 3,
            }
            session.append({**said, "timestamp": START + day * DAY})
        session.compact()
        session.append(Message("user", QUESTION, timestamp=timestamp))
        return [found.text for found in session.context() if found.is_recalled]


def test_the_days_are_counted_back_from_the_question() -> None:
    [block] = recalled(timestamp=START + DAYS * DAY)
    days = {day for day in range(DAYS) if f"bed {day} is done" in block}
    assert days
    assert days <= set(range(DAYS - 17, DAYS - 10))


def test_a_question_without_a_time_is_of_no_time() -> None:
    """Its words stand everywhere, so nothing is worth recalling."""
    assert recalled(timestamp=None) == []
