"""How much of what a question needs stands word for word in the context, with and without auto-recall."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median
from time import perf_counter

from benchmarks import Skipped, Table
from benchmarks._evidence import answered, read, shown, stands
from benchmarks._questions import belongs
from context_compaction import Budget, Message, Policy, Session, TokenCounter, open_archive
from context_compaction.policy.rule import RECALL_SHARE

BUDGETS = (0.05, 0.10, 0.25)
"""Input tokens as shares of the conversation's."""
SHARES = (None, 0.2, 0.4, 0.5)
SETS: tuple[tuple[str, str], ...] = (
    ("locomo, tuned on", "locomo/*.json"),
    ("locomo, kept aside", "locomo/*.json"),
    ("coding", "coding/*.json"),
    ("long, tuned on", "locomo/*.json"),
    ("long, kept aside", "locomo/*.json"),
)
NOTES = (
    "evidence: mean over questions of |evidence word for word in the context| / |evidence|, without a model",
    "the context: of a session of Policy.layered whose newest user message is the question, the block inside",
    "long: LoCoMo with every other 16 messages as one, evidence is then a line of it; every third question",
    "answers: share of the gold answer's words that stand in what the context shows of the evidence,",
    "         of those that the evidence holds and the question does not; at the three budgets",
    "tokens: of the block, mean over questions, at the three budgets",
    "ms: median time of that context, the first of a session just opened, in a :memory: archive",
)
Share = float | None


@dataclass(slots=True)
class Score:
    """What one share came to at one budget."""

    evidence: list[float] = field(default_factory=list[float])
    answers: list[float] = field(default_factory=list[float])
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
        files = [path for path in sorted(data.glob(pattern)) if belongs(name, path)][: 1 if quick else None]
        for share in shares if files else ():
            scores = [
                measured(files, share, budget, most, long=name.startswith("long")) for budget in BUDGETS
            ]
            rows.append(
                (
                    name if share is None else "",
                    len(scores[0].evidence),
                    "none" if share is None else f"{share:.2f}",
                    *(f"{mean(score.evidence):.3f}" for score in scores),
                    " / ".join(f"{mean(score.answers):.2f}" if score.answers else "-" for score in scores),
                    " / ".join(f"{mean(score.tokens):.0f}" for score in scores),
                    " / ".join(f"{median(score.times):.1f}" for score in scores),
                )
            )
    if not rows:
        raise Skipped("the folder holds neither locomo nor coding")
    columns = (
        "set",
        "asked",
        "share",
        *(f"at {budget:.0%}" for budget in BUDGETS),
        "answers",
        "tokens",
        "ms",
    )
    return Table("Evidence in the context", columns, rows, NOTES)


def measured(
    files: Iterable[Path], share: Share, budget: float, most: int | None = None, *, long: bool = False
) -> Score:
    """Every question of these conversations that has evidence, asked at one share and budget."""
    score, counter = Score(), TokenCounter.of(None)
    policy = Policy.layered(recall_share=share)
    for path in files:
        said, questions = read(path, long=long)
        window = Budget(int(budget * counter.messages(said)), reserve_tokens=0)
        with open_archive(":memory:") as archive:
            session = Session(archive, budget=window, policy=policy, counter=counter)
            session.append(said)
            session.context()
            for number, asked in enumerate(questions[:: 3 if long else 1][:most]):
                branch = session.fork(len(said), session_id=f"question {number}")
                branch.append(Message("user", asked.text))
                start = perf_counter()
                context = branch.context()
                score.times.append((perf_counter() - start) * 1000)
                parts = {seq: shown(seq, said[seq - 1], context) for seq, _ in asked.evidence}
                score.evidence.append(mean(stands(text, parts[seq]) for seq, text in asked.evidence))
                if (share_of_answer := answered(asked, parts)) is not None:
                    score.answers.append(share_of_answer)
                score.tokens.append(sum(counter.message(found) for found in context if found.is_recalled))
    return score
