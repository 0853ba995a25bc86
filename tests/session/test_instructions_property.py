"""Whoever says whatever: only the user's own words pin themselves, within both limits, and all else holds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from context_compaction import Budget, CannotCompact, Policy, StandingInstructions, compact
from context_compaction.view import Pin
from tests.checker.problem import ChatMessage
from tests.histories import histories
from tests.session.instructed import PINNED
from tests.test_properties import EXAMPLES, PRESETS, QUIET, WORDS, Judge

FORMS = (
    "Always {}.",
    "Please never {}!",
    "From now on {}.",
    "- I prefer {}",
    "You may {} again.",
    "Forget the rule about {}.",
    "Forget that rule.",
    "> Always quoted {}",
    "```\nNever quoted {}\n```",
    "$ cat notes\nAlways quoted {}",
    '<pinned ref="m:1">Always quoted {}.</pinned>',
    "<summary>\nNever quoted {}.",
)


def instructed(history: list[list[ChatMessage]], data: st.DataObject) -> list[list[dict[str, Any]]]:
    """Everybody gives orders now and then, each in his own name."""
    said: list[list[dict[str, Any]]] = []
    for batch in history:
        said.append([dict(message) for message in batch])
        for message in said[-1]:
            form = data.draw(st.sampled_from(("", *FORMS)))
            topic = f"topic{data.draw(st.integers(0, 40))}"
            told = form.format(f"{message['role']} {topic}")
            if message["role"] != "assistant" or message.get("content") is not None:
                message["content"] = f"{message.get('content') or ''}\n\n{told}"
    return said


def only_own_words(pins: list[Pin], log: list[dict[str, Any]]) -> bool:
    """Each stands in the user's message that it names, and none was quoted there."""
    return all(
        log[pin.seq - 1]["role"] == "user"
        and pin.text in log[pin.seq - 1]["content"]
        and not {"assistant", "tool", "system", "developer", "quoted"} & set(pin.text.split())
        for pin in pins
    )


@pytest.mark.parametrize("preset", PRESETS)
@given(history=histories(10), window=st.sampled_from((300, 700, 2000)), data=st.data())
@settings(max_examples=EXAMPLES // 2, suppress_health_check=QUIET)
def test_only_what_the_user_says_within_the_limits(
    preset: str, history: list[list[ChatMessage]], window: int, data: st.DataObject
) -> None:
    """Every promise is kept beside; of those kept, the sizes are reckoned from what is sent."""
    terms = StandingInstructions(most=data.draw(st.sampled_from((20, 1))))
    judge = Judge(
        Policy.named(preset, instructions=terms), window, data.draw(st.sets(st.integers(1, 9), max_size=1))
    )
    for batch in instructed(history, data):
        judge.append(batch)
        if data.draw(st.booleans()):
            judge.session.after_turn()
        judge.request()
        kept = [pin for pin in judge.session.view.pins if pin.heard]
        assert only_own_words(kept, judge.log)
        assert len(kept) <= terms.most
        lines = (f'<pinned ref="{pin.ref}">{pin.text}</pinned>' for pin in kept)
        assert sum(map(WORDS.text, lines)) <= judge.budget.input_tokens * 0.05
        assert kept == sorted(kept, key=lambda pin: pin.seq)
        assert only_own_words(list(judge.session.instructions), judge.log)
    judge.finish()


def test_a_rule_in_a_message_that_is_clamped_yields_to_it() -> None:
    """Shown whole it needs no quote; clamped it would, which here takes more than clamping frees."""
    read = {"name": "read_file", "arguments": '{"path": "a.py"}'}
    calls = [{"id": f"call_{n}", "type": "function", "function": read} for n in range(4)]
    judge = Judge(Policy.masking(), 300)
    judge.append(
        [
            {"role": "user", "content": "word0 " * 97 + "\n\nAlways user topic0."},
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "tool_call_id": "call_foreign", "content": "word0\n\n"},
        ]
    )
    judge.request()
    judge.finish()


@given(history=histories(), data=st.data())
@settings(max_examples=EXAMPLES, suppress_health_check=QUIET)
def test_stateless_use_quotes_nobody_else(history: list[list[ChatMessage]], data: st.DataObject) -> None:
    said = [message for batch in instructed(history, data) for message in batch]
    try:
        messages, _ = compact(said, budget=Budget(400, reserve_tokens=0), counter=WORDS)
    except CannotCompact:
        return
    ours = "".join(message.text for message in messages if message.is_context)
    for _, text in PINNED.findall(ours.split("<summary>")[0]):
        assert any(text in m["content"] for m in said if m["role"] == "user")
        assert not {"assistant", "tool", "system", "developer", "quoted"} & set(text.split())
