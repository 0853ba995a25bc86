"""How much of what a question needs stands word for word in the context, with and without auto-recall."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median
from time import perf_counter
from typing import Any

from benchmarks import Skipped, Table
from benchmarks._questions import TUNED_ON
from context_compaction import Budget, Message, Policy, Session, TokenCounter, open_archive
from context_compaction.policy.rule import RECALL_SHARE
from context_compaction.render import unescape

BUDGETS = (0.05, 0.10, 0.25)
"""Input tokens as shares of the conversation's."""
SHARES = (None, 0.2, 0.3, 0.4)
SETS: tuple[tuple[str, str], ...] = (
    ("locomo, tuned on", "locomo/*.json"),
    ("locomo, kept aside", "locomo/*.json"),
    ("coding", "coding/*.json"),
)
NOTES = (
    "evidence: mean over questions of |evidence word for word in the context| / |evidence|, without a model",
    "the context: of a session of Policy.layered whose newest user message is the question, the block inside",
    "tokens: of the block, mean over questions, at the three budgets",
    "ms: median time of that context, the first of a session just opened, in a :memory: archive",
)
Share = float | None


@dataclass(slots=True)
class Score:
    """What one share came to at one budget."""

    evidence: list[float] = field(default_factory=list[float])
    tokens: list[int] = field(default_factory=list[int])
    times: list[float] = field(default_factory=list[float])
    """Of the context with the question, in milliseconds."""


def run(data: Path | None, *, quick: bool = False) -> Table:
    """The table; `Skipped` without the conversations. ``quick``: a few questions of one conversation each."""
    if data is None:
        raise Skipped("no conversations; name a folder with --data DIR")
    shares, most = ((None, RECALL_SHARE[1]), 3) if quick else (SHARES, None)
    rows: list[Sequence[object]] = []
    for name, pattern in SETS:
        files = [path for path in sorted(data.glob(pattern)) if _belongs(name, path)][: 1 if quick else None]
        for share in shares if files else ():
            scores = [measured(files, share, budget, most) for budget in BUDGETS]
            rows.append(
                (
                    name if share is None else "",
                    len(scores[0].evidence),
                    "none" if share is None else f"{share:.2f}",
                    *(f"{mean(score.evidence):.3f}" for score in scores),
                    " / ".join(f"{mean(score.tokens):.0f}" for score in scores),
                    " / ".join(f"{median(score.times):.1f}" for score in scores),
                )
            )
    if not rows:
        raise Skipped("the folder holds neither locomo nor coding")
    columns = ("set", "asked", "share", *(f"at {budget:.0%}" for budget in BUDGETS), "tokens", "ms")
    return Table("Evidence in the context", columns, rows, NOTES)


def measured(files: Iterable[Path], share: Share, budget: float, most: int | None = None) -> Score:
    """Every question of these conversations that has evidence, asked at one share and budget."""
    score, counter = Score(), TokenCounter.of(None)
    policy = Policy.layered(recall_share=share)
    for path in files:
        whole: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        said = list(map(Message.from_openai, whole["messages"]))
        window = Budget(int(budget * counter.messages(said)), reserve_tokens=0)
        with open_archive(":memory:") as archive:
            session = Session(archive, budget=window, policy=policy, counter=counter)
            session.append(said)
            session.context()
            asked = [question for question in whole["questions"] if question.get("evidence")]
            for number, question in enumerate(asked[:most]):
                branch = session.fork(len(said), session_id=f"question {number}")
                branch.append(Message("user", question["question"]))
                start = perf_counter()
                context = branch.context()
                score.times.append((perf_counter() - start) * 1000)
                evidence = [(index + 1, said[index].text) for index in question["evidence"]]
                score.evidence.append(mean(_stands(seq, text, context) for seq, text in evidence))
                score.tokens.append(sum(counter.message(found) for found in context if found.is_recalled))
    return score


def _stands(seq: int, text: str, context: Sequence[Message]) -> bool:
    """Whether a message is in the context as it was said: as itself, or quoted in the recalled block."""
    if any(message.text == text for message in context):
        return True
    quoted = (message.text for message in context if message.is_recalled)
    return any(f"\n[m:{seq} " in block and text in unescape(block) for block in quoted)


def _belongs(name: str, path: Path) -> bool:
    return path.parent.name != "locomo" or (path.stem in TUNED_ON) == (name == SETS[0][0])
