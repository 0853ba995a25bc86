"""How near the counts come: to what a provider reported (calibrated), and to o200k_base (approximate)."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from statistics import mean, median
from typing import Any

from benchmarks import Contest, Skipped, Table
from context_compaction.counting import ApproximateCounter, Calibration, TiktokenCounter, Usage
from context_compaction.messages import Message, ReasoningBlock, TextBlock, ToolCallBlock, ToolResultBlock

CUTS = 600
"""Simulated compactions of each kind."""
KINDS = {"early": (0.0, 0.0, 0.2, 0.9), "middle": (0.02, 0.5, 0.2, 0.9)}
"""Where the dropped range begins and ends, as shares of the steps so far: least and most of each."""
LATER = 50
"""Requests without any report before one is predicted."""
TARGETS = {"next prompt": "3.00 %", **{f"after a compaction, {kind}": "5.00 %" for kind in KINDS}}
NOTES = """\
prompts and compactions: median of |error| / size, predicted from earlier reports only; the first two columns
  are calibrated, the others plain counts of the same messages
ratio only: overhead + ratio * count, without the curve; calls that were never answered are in the count but
  were not in the prompt, the row below leaves them out
a compaction drops a range of messages; its true size is the report less the true growth of what was dropped
increment: |error| in tokens of the growth to the next report; every column is anchored at the reported prompt
  and output, so only what came after is estimated; the target is 30 % under chars/4
last rows: median of |error| / o200k_base a message""".replace("\n  ", " ").split("\n")
Counter = Callable[[Message], int]


@dataclass(frozen=True, slots=True)
class Step:
    """One request: messages before ``index`` were sent, the provider reported this."""

    index: int
    raw: int
    usage: Usage


def run(data: Path | None) -> Table:
    """All the numbers in one table."""
    if data is None or not (data / "agent_log").is_dir():
        raise Skipped("no conversations with reported usage (DIR/agent_log); name a folder with --data DIR")
    exact = TiktokenCounter()
    if not exact.exact:
        raise Skipped("tiktoken's table is not here, so there is nothing exact to compare with")
    counters: dict[str, Counter] = {
        exact.name: exact.message,
        "approximate": ApproximateCounter().message,
        "chars/4": quarter,
        "langchain": langchain_counter(),
    }
    rows = [*_calibrated(data / "agent_log", counters), *_against_exact(data, exact.message, counters)]
    measures = [str(row[0]) for row in rows]
    contests = [
        Contest(mine, ("chars/4", "langchain"), less=measures, columns=True)
        for mine in (exact.name, "approximate")
    ]
    return Table("Counting", ("", *counters, "target"), rows, NOTES, contests)


def quarter(message: Message) -> int:
    """A token for four characters of everything the message says."""
    return -(-sum(map(_characters, message.blocks)) // 4)


def _characters(block: Any) -> int:
    if isinstance(block, ToolCallBlock):
        return len(block.name) + len(block.arguments)
    if isinstance(block, ToolResultBlock):
        return len(block.content)
    return len(block.text) if isinstance(block, (TextBlock, ReasoningBlock)) else 0


def langchain_counter() -> Counter:
    """``count_tokens_approximately`` of langchain-core."""
    try:
        from langchain_core.messages.utils import convert_to_messages, count_tokens_approximately
    except ImportError:
        raise Skipped("langchain-core is not installed") from None
    kept = ("role", "content", "name", "tool_calls", "tool_call_id")

    def count(message: Message) -> int:
        chat = message.to_openai()
        return count_tokens_approximately(
            convert_to_messages([{key: chat[key] for key in kept if key in chat}])
        )

    return count


def _calibrated(folder: Path, counters: dict[str, Counter]) -> Iterator[list[object]]:
    chats: list[list[dict[str, Any]]] = [
        json.loads(path.read_text(encoding="utf-8"))["messages"] for path in sorted(folder.glob("*.json"))
    ]
    columns = [_errors(chats, count, calibrated=place < 2) for place, count in enumerate(counters.values())]
    for name, quarters in columns[2].items():
        if name == "increment":
            for kind, average in (("median", median), ("mean", mean)):
                cells = [f"{average(column[name]):.1f}" for column in columns]
                yield [f"increment, {kind}", *cells, f"{0.7 * average(quarters):.1f}"]
        else:
            yield [name, *(_percent(median(column[name])) for column in columns), TARGETS.get(name, "")]


def _errors(chats: list[list[dict[str, Any]]], count: Counter, *, calibrated: bool) -> dict[str, list[float]]:
    """Every error of one counter, by measure."""
    found: dict[str, list[float]] = defaultdict(list)
    for chat in chats:
        tokens, steps, states = _replay(chat, count, calibrated=calibrated)
        found["next prompt"] += _ahead(steps, states, 1)
        found[f"prompt {LATER} requests later"] += _ahead(steps, states, LATER)
        found["next prompt, ratio only"] += _ratio_only(steps, states)
        _, sent, sent_states = _replay(_answered(chat), count, calibrated=calibrated)
        found["the same without unsent calls"] += _ratio_only(sent, sent_states)
        for kind in KINDS:
            found[f"after a compaction, {kind}"] += _after_cuts(steps, states, kind)
        for state, (step, after) in zip(states[1:], pairwise(steps), strict=False):
            grown = state.anchored(step.usage, sum(tokens[step.index + 1 : after.index]))
            found["increment"].append(abs(grown - after.usage.input_tokens))
    return found


def _replay(
    chat: list[dict[str, Any]], count: Counter, *, calibrated: bool
) -> tuple[list[int], list[Step], list[Calibration]]:
    """Tokens of each message, the requests, and what was known before each of them."""
    tokens = [count(Message.from_openai(message)) for message in chat]
    before = list(accumulate(tokens, initial=0))
    steps = [
        Step(index, before[index], Usage.from_any(message["usage"]))
        for index, message in enumerate(chat)
        if message.get("usage")
    ]
    states = [Calibration()]
    for step in steps:
        states.append(states[-1].observe(step.raw, step.usage) if calibrated else states[-1])
    return tokens, steps, states


def _answered(chat: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without the messages whose calls nobody answered: the agent did not send them again."""
    answers = {message.get("tool_call_id") for message in chat}
    return [
        message
        for message in chat
        if not (calls := message.get("tool_calls")) or any(call["id"] in answers for call in calls)
    ]


def _ahead(steps: list[Step], states: list[Calibration], lag: int) -> Iterator[float]:
    for place in range(lag, len(steps)):
        yield _off(states[place - lag + 1].estimate(steps[place].raw), steps[place].usage.input_tokens)


def _ratio_only(steps: list[Step], states: list[Calibration]) -> Iterator[float]:
    for step, state in zip(steps[1:], states[1:], strict=False):
        yield _off(state.overhead + state.ratio * step.raw, step.usage.input_tokens)


def _after_cuts(steps: list[Step], states: list[Calibration], kind: str) -> Iterator[float]:
    """Errors of the size, predicted from the reports before, of prompts that lost a range of messages."""
    chance, (start_low, start_high, end_low, end_high) = random.Random(0), KINDS[kind]
    for _ in range(CUTS):
        place = chance.randrange(20, len(steps))
        start = int(place * chance.uniform(start_low, start_high))
        end = max(start + 1, int(place * chance.uniform(max(end_low, start / place), end_high)))
        now, first, last = steps[place], steps[start], steps[end]
        true = now.usage.input_tokens - (last.usage.input_tokens - first.usage.input_tokens)
        yield _off(states[place].estimate(now.raw - (last.raw - first.raw)), true)


def _against_exact(data: Path, exact: Counter, counters: dict[str, Counter]) -> Iterator[list[object]]:
    for folder in sorted(path for path in data.iterdir() if path.is_dir()):
        messages = [message for path in sorted(folder.glob("*.json")) for message in _messages(path)]
        if messages:
            cells = [
                _percent(median(_off(count(message), exact(message)) for message in messages))
                for count in counters.values()
            ]
            yield [f"a message of {folder.name} ({len(messages)})", *cells, ""]


def _messages(path: Path) -> list[Message]:
    chat = json.loads(path.read_text(encoding="utf-8"))
    return [Message.from_openai(message) for message in chat.get("messages") or []]


def _off(estimate: float, true: float) -> float:
    return abs(estimate - true) / true


def _percent(share: float) -> str:
    return f"{share * 100:.2f} %"
