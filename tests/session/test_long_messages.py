"""A message of any length is counted once when it is appended, and a bounded number of times to be let go."""

from typing import Any

import pytest

from context_compaction import Budget, Policy, Session
from context_compaction.counting import TokenCounter

Dict = dict[str, Any]
BEFORE: list[Dict] = [
    {"role": "user", "content": "Begin with the harbour."},
    {"role": "assistant", "content": "I begin."},
]
CALL = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
OLD: list[Dict] = [
    {"role": "user", "content": "?"},
    {"role": "assistant", "content": "Done."},
    {"role": "user", "content": "On."},
]


class Reading(TokenCounter):
    """Counts characters, and how many it was given."""

    name = "reading"

    def __init__(self) -> None:
        self.read = 0

    def text(self, text: str) -> int:
        self.read += len(text)
        return len(text) // 4


def _messages(where: str, text: str) -> list[Dict]:
    if where == "output":
        return [
            {"role": "assistant", "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "c", "content": text},
        ]
    return [{"role": "user", "content": text}, *(OLD if where == "old" else [])]


def _read(where: str, policy: str, size: int) -> tuple[float, float]:
    """How often a long text was given to the counter: by its append, and by the first context behind it."""
    text = "The lamp at pier 14 burns 250 ml an hour, see docs/lamp.md. " * (size // 60)
    counter = Reading()
    with Session(budget=Budget(context_window=4096), policy=Policy.named(policy), counter=counter) as session:
        session.append(BEFORE)
        start = counter.read
        session.append(_messages(where, text))
        appended = counter.read
        assert sum(map(counter.message, session.context())) <= 4096
        return (appended - start) / size, (counter.read - appended) / size


@pytest.mark.parametrize("policy", ["layered", "masking", "truncating", "extractive", "anchored"])
@pytest.mark.parametrize("where", ["old", "newest", "output"])
def test_counting_grows_as_the_text_does(where: str, policy: str):
    small, large = (_read(where, policy, size) for size in (60_000, 600_000))
    assert 1 <= large[0] < 1.01
    assert large[1] <= small[1] + 1
