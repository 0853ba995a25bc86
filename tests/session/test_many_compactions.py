"""Twenty compactions of one session: what was ruled and what is newest stays, summaries do not pile up."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from context_compaction import DraftRequest, Message, Policy
from context_compaction.testing.drafters import ScriptedDrafter
from context_compaction.text.verbatim import HEADING
from tests.session.talks import session, size
from tests.windows import WORDS, assistant, user

WINDOW = 3000
CAP = WINDOW // 10
COMPACTIONS, TURNS = 20, 8
SUMMARY = re.compile(r'<summary ref="s:\d+" covers="[^"]+">\n(.*?)\n</summary>', re.DOTALL)
COVERED = re.compile(r'<summary ref="s:\d+" covers="[^"]*?m:(\d+)">')
RULES = ("Always answer in British English.", "Never touch settings/prod.yaml.")
NOUNS = ("boats", "lisbon", "danced", "studio", "really", "great", "harbour", "tomorrow")
DETAIL = "The spare key is with Mrs Hadley at 17 Orchard Lane."


def forgetful(request: DraftRequest) -> str:
    """Fluent, and nothing in it."""
    return "## Current State\n- The work goes on as it was agreed."


def copying(request: DraftRequest) -> str:
    """The first words of each passage, as much as it may."""
    lines, left = ["## Timeline"], request.max_tokens - 2
    for passage in reversed(request.passages):
        words = passage.text.replace("#", "").split()[:12]
        if left > len(words):
            left -= len(words) + 1
            lines.append(f"- {' '.join(words)}")
    return "\n".join(lines)


DRAFTERS: list[Any] = [
    pytest.param(lambda: None, id="extractive"),
    pytest.param(lambda: ScriptedDrafter(forgetful), id="forgetful"),
    pytest.param(lambda: ScriptedDrafter(copying), id="copying"),
]


def part(number: int) -> list[dict[str, Any]]:
    """Some turns, each with a file and a ticket of its own."""
    said: list[dict[str, Any]] = []
    for turn in range(number * TURNS, (number + 1) * TURNS):
        said += [
            user(f"Please look at src/part_{turn}.py for ticket CLI-{1000 + turn}. " + "word " * 40),
            assistant(f"I had a look, it took {turn + 2} minutes. " + "text " * 60),
        ]
    return said


@pytest.mark.parametrize("drafter", DRAFTERS)
@pytest.mark.parametrize(
    ("policy", "most"), [(Policy.layered(), 4), (Policy.anchored(), 1)], ids=["layered", "anchored"]
)
def test_twenty_compactions(drafter: Callable[[], Any], policy: Policy, most: int) -> None:
    with session(window=WINDOW, policy=policy, drafter=drafter()) as s:
        s.append([user(f"{RULES[0]} {RULES[1]} {DETAIL}"), assistant("Understood."), *part(0)])
        for number in range(1, COMPACTIONS + 1):
            s.append(part(number))
            event = s.compact()
            assert event.committed, event
            assert len(s.view.summaries) <= most, "they pile up"
            check(s.context())
        assert "m:1" in [hit.ref for hit in s.recall("spare key Orchard Lane", k=3)]
        assert DETAIL in s.expand("m:1")[0].text
        assert s.expand(f"s:{s.view.summaries[0]}")[0].text.endswith(DETAIL)


def check(context: list[Message]) -> None:
    """The caps hold, nothing is nested or doubled, the rules stand there, and so do the newest facts."""
    head = context[0].text
    assert size(context) <= WINDOW
    found = SUMMARY.findall(head)
    assert found
    for text in found:
        assert WORDS.text(text) <= CAP
        assert text.count(HEADING) <= 1
        assert "<summary" not in text
    for rule in RULES:
        assert rule in head
    left = max(int(last) for last in COVERED.findall(head))
    newest = (left - 3) // 2  # the turn of the last message that left: two messages each, after two others
    for turn in range(newest - 2, newest + 1):
        assert f"src/part_{turn}.py" in head
        assert f"CLI-{1000 + turn}" in head


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_in_a_small_window_summaries_go_on_being_written(seed: int) -> None:
    """Two that take half of the input would leave too little room beside them for a third, for good."""
    chance, messages = Random(seed), 240
    with session(window=700, counter="approximate") as talking:
        for number in range(messages):
            said = " ".join(chance.choice(NOUNS) for _ in range(chance.randrange(2, 40))).capitalize() + "."
            talking.append([user(said) if number % 2 == 0 else assistant(said)])
            talking.context() if number % 2 == 0 else talking.after_turn()
        newest = max(found.ranges[-1][1] for found in talking.summaries.values())
        assert newest > messages - 30
