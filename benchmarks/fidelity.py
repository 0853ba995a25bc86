"""Hard facts still in the context at a tenth and a quarter of each conversation, beside a tail window."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks import Contest, Skipped, Table
from context_compaction import Budget, CannotCompact, Ladder, Message, Policy, Rule, SummaryDrafter, compact
from context_compaction.counting import TokenCounter
from context_compaction.render.recording import log_window
from context_compaction.strategies import FACTS_SHARE, Clamp, Extract, Summarize, Truncate, passage_of
from context_compaction.text.facts import Fact, hard_facts, missing

SHARES = (0.1, 0.25)
LEAST = 400
"""Tokens; a smaller context has no room for a summary and is not measured."""
TAIL = 0.8
"""Of the context: its newest messages, where there is a summary."""
WINDOW = "tail window"
SAID = ("instruction", "decision")
NOTES = (
    "mean over conversations of the share of their distinct hard facts that stand in the context;",
    "  said: of the user's instructions and decisions alone; all: mean over the sets",
    "n: conversations at 10 % / at 25 %; the others are too short to be measured or have a floor that does",
    "  not fit. System messages are left out: they stay in every context",
    f"the tail window is all newest messages; the others have {TAIL:.0%} of them and a summary",
)

Kept = tuple[float, float]
"""Share of all facts, and of what the user said."""
Look = Callable[["Talk", int], list[str]]
"""What a context of so many tokens says. Raises `CannotCompact`."""


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation, the size of its messages, and what must not get lost of it."""

    group: str
    messages: Sequence[Message]
    texts: Sequence[str]
    tokens: Sequence[int]
    facts: Sequence[Fact]


def run(data: Path | None, *, drafter: str | None = None) -> Table:
    """A row for each set and way to compact; ``drafter`` is the path of a local model to write summaries."""
    if data is None:
        raise Skipped("no conversations; name a folder with --data DIR")
    counter = TokenCounter.of(None)
    talks = [talk for path in sorted(data.rglob("*.json")) for talk in talks_in(path, counter)]
    writers: Counter[str] = Counter()
    ways = {WINDOW: _tail, **looks("extractive", None, counter)}
    if drafter is not None:
        ways |= looks(Path(drafter).name, _local_model(drafter), counter, writers)
    measured = [(talk.group, measure(talk, ways)) for talk in talks]
    groups = {group: [cells for name, cells in measured if name == group] for group, _ in measured}
    groups = {group: cells for group, cells in groups.items() if any(_complete(each, 1) for each in cells)}
    if not groups:
        raise Skipped("the folder holds no conversation that is long enough")
    rows = [row for group, cells in groups.items() for row in _rows(group, ways, [cells])]
    rows += _rows("all", ways, list(groups.values()))
    columns = ("set", "n", "context", *(f"{share:.0%}{what}" for share in SHARES for what in ("", ", said")))
    written = ", ".join(f"{count} by {writer}" for writer, count in writers.most_common())
    wrote = (f"summaries where {drafter} was asked first: {written}",) if written else ()
    contest = Contest("extractive, gate", (WINDOW,), more=columns[3:], names=2, within=(0,))
    return Table("Hard facts kept", columns, rows, (*NOTES, *wrote), [contest])


def talks_in(path: Path, counter: TokenCounter) -> Iterator[Talk]:
    """The conversation of a file, if it holds one."""
    whole: Any = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(whole, dict) and isinstance(whole.get("messages"), list):
        messages = [each for each in map(Message.from_openai, whole["messages"]) if not each.is_system]
        records = list(log_window(messages, counter, references=False).after(0))
        passages = list(map(passage_of, records))
        facts = {fact.key: fact for each in passages for fact in hard_facts(each.text, role=each.role)}
        texts, tokens = [each.text for each in passages], [record.tokens for record in records]
        yield Talk(path.parent.name, messages, texts, tokens, tuple(facts.values()))


def looks(
    name: str, drafter: SummaryDrafter | None, counter: TokenCounter, writers: Counter[str] | None = None
) -> dict[str, Look]:
    """Contexts with a summary, without and with the gate; ``writers`` counts who wrote it."""

    def look(facts_share: float) -> Look:
        summary = Summarize(fidelity_floor=0, facts_share=facts_share)
        rule = Rule(Ladder(summary, Extract(), Truncate(), Clamp()), trigger=0.99, target=0.98, keep=TAIL)

        def seen(talk: Talk, limit: int) -> list[str]:
            budget = Budget(limit, reserve_tokens=0)
            messages, event = compact(
                talk.messages, budget=budget, policy=Policy.both(rule), drafter=drafter, counter=counter
            )
            if writers is not None and event is not None and event.writer is not None:
                writers[event.writer] += 1
            calls = (call.arguments for message in messages for call in message.tool_calls)
            return [*(message.text for message in messages), *calls]

        return seen

    return {name: look(0.0), f"{name}, gate": look(FACTS_SHARE)}


def measure(talk: Talk, ways: Mapping[str, Look]) -> dict[str, list[Kept | None]]:
    """What each way keeps at each of the sizes; None where it cannot."""
    said = [fact for fact in talk.facts if fact.kind in SAID]

    def kept(look: Look, limit: int) -> Kept | None:
        try:
            texts = look(talk, limit) if limit >= LEAST else None
        except CannotCompact:
            return None
        return None if texts is None else (_share(talk.facts, texts), _share(said, texts))

    limits = [int(share * sum(talk.tokens)) for share in SHARES]
    return {name: [kept(look, limit) for limit in limits] for name, look in ways.items()}


def _tail(talk: Talk, limit: int) -> list[str]:
    texts: list[str] = []
    for text, tokens in zip(reversed(talk.texts), reversed(talk.tokens), strict=True):
        if tokens > limit:
            break
        limit -= tokens
        texts.append(text)
    return texts


def _local_model(path: str) -> SummaryDrafter:
    import context_compaction

    try:
        made: SummaryDrafter = context_compaction.TransformersDrafter(path)  # type: ignore[attr-defined]
    except AttributeError:
        raise Skipped("this version has no TransformersDrafter") from None
    return made


def _share(facts: Sequence[Fact], texts: Sequence[str]) -> float:
    return 1 - len(missing(facts, texts)) / len(facts) if facts else 1.0


def _complete(cells: Mapping[str, Sequence[Kept | None]], place: int) -> bool:
    return all(each[place] for each in cells.values())


def _rows(
    name: str, ways: Mapping[str, Look], groups: Sequence[Sequence[Mapping[str, Sequence[Kept | None]]]]
) -> Iterator[Sequence[object]]:
    """A row a way: means over conversations, then over the groups."""
    places = range(len(SHARES))
    known = [[[each for each in group if _complete(each, place)] for group in groups] for place in places]
    count = " / ".join(str(sum(map(len, each))) for each in known)
    for way in ways:
        cells: list[str] = []
        for place in places:
            for part in (0, 1):
                means = [
                    mean(kept[part] for each in group if (kept := each[way][place]))
                    for group in known[place]
                    if group
                ]
                cells.append(f"{mean(means):.2f}" if means else "-")
        first = way == WINDOW
        yield (name if first else "", count if first else "", way, *cells)
