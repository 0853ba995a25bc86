"""A conversation of the made-up language for the demo: `python -m training.tiny.workshop --out FILE`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

from training.tiny.language import Said, Talk
from training.tiny.marked import Fact

SEED = 1_000_031
"""Held out: training draws from small seeds."""
MESSAGES = 199
RATE = 0.15
ASKED = {
    "goal": "What did the user want about the {topic}?",
    "decisions": "What was decided about the {topic}?",
    "artifacts": "What became of the {topic}?",
    "errors": "What was wrong with the {topic}?",
    "timeline": "What is known of the {topic}, and of which day?",
}
"""A question for the first fact of each of these sections."""
SYSTEM = "You keep the records of a workshop. Answer briefly."


def workshop(seed: int = SEED, count: int = MESSAGES) -> dict[str, Any]:
    """The conversation with its questions, in the shape of the demo's other samples."""
    said = Talk(Random(seed), rate=RATE).messages(count)
    messages = [{"role": "system", "content": SYSTEM}, *openai_messages(said)]
    return {
        "id": "workshop",
        "source": "made up by training.tiny.workshop for context-compaction",
        "licence": "MIT",
        "messages": messages,
        "questions": list(_questions(said, before=1)),
    }


def openai_messages(said: Sequence[Said]) -> Iterator[dict[str, Any]]:
    """The messages as chats are written."""
    for number, each in enumerate(said):
        message: dict[str, Any] = {"role": each.role, "content": each.text or None}
        if each.name:
            message["name"] = each.name
        if each.call:
            name, arguments = each.call
            function = {"name": name, "arguments": arguments}
            message["tool_calls"] = [{"id": f"call_{number}", "type": "function", "function": function}]
        if each.role == "tool":
            message["tool_call_id"] = f"call_{number - 1}"
        if each.is_error:
            message["is_error"] = True
        yield message


def _questions(said: Sequence[Said], *, before: int) -> Iterator[dict[str, Any]]:
    told = [(at, fact) for at, each in enumerate(said) for fact in each.facts]
    for section, asked in ASKED.items():
        found = next(((at, fact) for at, fact in told if fact.section == section), None)
        if found is not None:
            at, fact = found
            yield _question(asked, fact, at + before)


def _question(asked: str, fact: Fact, evidence: int) -> dict[str, Any]:
    return {
        "question": asked.format(topic=fact.topic),
        "answer": fact.text,
        "category": fact.section,
        "evidence": [evidence],
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    text = json.dumps(workshop(options.seed), indent=1, ensure_ascii=False)
    options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
