"""Hard facts still in the context at a tenth and a quarter of each conversation, beside a tail window."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from benchmarks import Skipped, Table
from context_compaction import Budget, CannotCompact, Message, Rule, SummaryDrafter, compact
from context_compaction.counting import TokenCounter
from context_compaction.policy import Ladder, Policy
from context_compaction.render.recording import log_window
from context_compaction.strategies import Clamp, Distill, Extract, Summarize, Truncate, passage_of
from context_compaction.text.facts import Fact, hard_facts, missing

SHARES = (0.1, 0.25)
SHARE = 0.25
LEAST = 400
"""Tokens that a context must have to be measured: in less there is no room for a summary."""
SAID = ("instruction", "decision")
TAIL = "tail window"
NOTES = (
    "mean over conversations of the share of their distinct hard facts that stand in the context; said: of "
    "the user's instructions and decisions alone",
    "contexts of 10 and 25 % of the conversation's tokens, the newest messages in 80 % of that and a summary; "
    "the tail window has all of it for the newest messages",
    "system messages are left out of the conversations: they stay in every context",
)


@dataclass(frozen=True, slots=True)
class _Talk:
    """A conversation, its size and what must not get lost."""

    group: str
    messages: Sequence[Message]
    tokens: Sequence[int]
    facts: Sequence[Fact]


Seen = Callable[[_Talk, int], list[str]]
"""What a way to compact leaves in so many tokens. Raises `CannotCompact`."""


def run(data: Path | None, *, drafter: str | None = None) -> Table:
    """A row for each set and way; ``drafter``: path of a local model that writes summaries too."""
    if data is None:
        raise Skipped("no conversations; name a folder with --data DIR")
    counter = TokenCounter.of(None)
    talks = [talk for path in sorted(data.rglob("*.json")) for talk in _talks(path, counter)]
    if not talks:
        raise Skipped("the folder holds no conversation")
    ways: dict[str, Seen] = {TAIL: _tail, **_ours("extractive", None, counter)}
    if drafter is not None:
        from context_compaction import TransformersDrafter  # pyright: ignore

        ways |= _ours(Path(drafter).name, TransformersDrafter(drafter), counter)
    shares = {talk.group: {} for talk in talks}
    kept = [(talk.group, _measured(talk, ways)) for talk in talks]
    rows: list[Sequence[object]] = []
    for group in shares:
        rows += _rows(group, ways, [each for name, each in kept if name == group])
    rows += _rows("all", ways, [each for _, each in kept])
    columns = ("set", "n", "context", *(f"{share:.0%}{what}" for share in SHARES for what in ("", ", said")))
    return Table("Hard facts kept", columns, rows, NOTES)


def _talks(path: Path, counter: TokenCounter) -> Iterator[_Talk]:
    whole = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(whole, dict) or not isinstance(whole.get("messages"), list):
        return
    messages = [message for message in map(Message.from_openai, whole["messages"]) if not message.is_system]
    window = log_window(messages, counter, references=False)
    passages = [passage_of(record) for record in window.after(0)]
    facts = {fact.key: fact for each in passages for fact in hard_facts(each.text, role=each.role)}
    tokens = [record.tokens for record in window.after(0)]
    yield _Talk(path.parent.name, messages, tokens, tuple(facts.values()))


def _tail(talk: _Talk, limit: int) -> list[str]:
    texts: list[str] = []
    window = log_window(talk.messages, TokenCounter.of(len), references=False)
    records = list(window.after(0))
    for record, tokens in zip(reversed(records), reversed(talk.tokens), strict=True):
        if tokens > limit:
            break
        limit -= tokens
        texts.append(passage_of(record).text)
    return texts


def _ours(name: str, drafter: SummaryDrafter | None, counter: TokenCounter) -> dict[str, Seen]:
    def seen(share: float) -> Seen:
        ladder = Ladder(
            Summarize(fidelity_floor=0, facts_share=share and SHARE), Extract(), Truncate(), Clamp()
        )
        policy = Policy.both(Rule(ladder, trigger=0.99, target=0.98, keep=0.8))

        def call(talk: _Talk, limit: int) -> list[str]:
            budget = Budget(limit, reserve_tokens=0)
            messages, _ = compact(
                talk.messages, budget=budget, policy=policy, drafter=drafter, counter=counter
            )
            return [
                message.text + "".join(call.arguments for call in message.tool_calls) for message in messages
            ]

        return call

    return {name: seen(0), f"{name}, gate": seen(0.25)}


def _measured(talk: _Talk, ways: Mapping[str, Seen]) -> dict[str, list[tuple[float, float] | None]]:
    said = [fact for fact in talk.facts if fact.kind in SAID]
    out: dict[str, list[tuple[float, float] | None]] = {name: [] for name in ways}
    for share in SHARES:
        limit = int(share * sum(talk.tokens))
        for name, seen in ways.items():
            try:
                texts = seen(talk, limit) if limit >= LEAST else None
            except CannotCompact:
                texts = None
            out[name].append(None if texts is None else (_kept(talk.facts, texts), _kept(said, texts)))
    return out


def _kept(facts: Sequence[Fact], texts: Sequence[str]) -> float:
    return 1 - len(missing(facts, texts)) / len(facts) if facts else 1.0


def _rows(group: str, ways: Mapping[str, Seen], kept) -> Iterator[Sequence[object]]:
    for name in ways:
        cells = []
        counts = []
        for place in range(len(SHARES)):
            known = [each[name][place] for each in kept if all(one[place] for one in each.values())]
            counts.append(len(known))
            for part in (0, 1):
                cells.append(f"{mean(each[part] for each in known):.3f}" if known else "-")
        yield (
            group if name == TAIL else "",
            "/".join(map(str, counts)) if name == TAIL else "",
            name,
            *cells,
        )
