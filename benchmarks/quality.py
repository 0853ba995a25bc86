"""What a context holds of what questions need, ours beside others in the same budget, without a judge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path
from statistics import mean

from benchmarks import Contest, Skipped, Table
from benchmarks._evidence import Asked, read, words_needed
from benchmarks._keepers import Told, keepers
from benchmarks._questions import Conversation, Question, Search, belongs
from benchmarks._retrievers import bm25_retriever
from context_compaction import Archive, Budget, Message, Policy, Session, TokenCounter, open_archive
from context_compaction.policy.rule import RECALL_SHARE
from context_compaction.render import passages_in, recalled_quotes
from context_compaction.text.terms import terms_of

BUDGETS = (0.05, 0.10, 0.25)
"""Input tokens as shares of the conversation's."""
SETS: Mapping[str, str] = {
    "locomo, tuned on": "locomo/*.json",
    "locomo, kept aside": "locomo/*.json",
    "longmemeval pool": "longmemeval/pool*.json",
    "longmemeval haystacks": "longmemeval/haystack*.json",
    "coding": "coding/*.json",
}
PRESETS: Mapping[str, Policy] = {
    name: Policy.named(name, recall_share=RECALL_SHARE)
    for name in ("layered", "anchored", "extractive", "masking", "truncating")
}
OURS = "ours, {}"
RETRIEVED = 64
"""Messages that the retriever gives the others to fill their room with."""
NOTES = (
    "told message by message; before each answer the context is asked for (ours: after_turn behind a turn).",
    "  Each question is then asked of what has become of the conversation, each for itself",
    "budget: 5, 10, 25 % of the conversation's tokens for all of a request, the question too, for everybody",
    "evidence: mean over questions of |evidence messages word for word in the context| / |evidence|",
    "answers: mean over questions of the gold answer's words found in the context, of those that the",
    "  evidence holds and the question does not say; by stems, without stop words. (of N): without",
    "  adversarial questions and answers that share no word with their evidence (yes, reckoned dates)",
    f"recall: ours is its own (share {RECALL_SHARE[1]}); for the others LangChain's BM25Retriever over all:",
    "  as much room, its best messages that they do not show and that fit",
    "filled: tokens of the request as shares of the budget, at the three budgets",
    "rewrites: turns whose request did not begin with the one before (recalled blocks aside), mean over",
    "  questions. trim_messages and head + tail fill the budget anew at each turn, ChatSummaryMemoryBuffer",
    "  writes a summary at nearly each; SummarizationMiddleware and ours compact to half and grow to .85",
    "all summaries are written by our ExtractiveDrafter, others' in 15 % of the budget",
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a request says beside the question, in pieces that are word for word, and its size."""

    texts: Sequence[str]
    tokens: int
    rewrites: int
    """Turns before it whose request did not begin with the one before, the blocks of auto-recall aside."""


@dataclass(slots=True)
class Score:
    """Of one way at one budget, a number a question."""

    evidence: list[float] = field(default_factory=list[float])
    answers: list[float] = field(default_factory=list[float])
    filled: list[float] = field(default_factory=list[float])
    rewrites: list[int] = field(default_factory=list[int])

    def count(self, asked: Asked, seen: Seen, limit: int) -> None:
        """Add what a request holds of what this question needs."""
        whole = "\0".join(seen.texts)
        self.evidence.append(mean(text in whole for _, text in asked.evidence))
        self.filled.append(seen.tokens / limit)
        self.rewrites.append(seen.rewrites)
        if asked.answerable and (needed := words_needed(asked)):
            self.answers.append(len(needed & terms_of(whole).keys()) / len(needed))


Way = tuple[bool, str]
"""With recall or without, and by whom."""
Scores = dict[Way, list[Score]]
"""A score for each of the budgets."""


def run(data: Path | None, *, quick: bool = False) -> Table:
    """The table; `Skipped` without the conversations. ``quick``: three questions of one conversation each."""
    if data is None:
        raise Skipped("no conversations; name a folder with --data DIR")
    rows: list[Sequence[object]] = []
    for name, pattern in SETS.items():
        files = [path for path in sorted(data.glob(pattern)) if belongs(name, path)][: 1 if quick else None]
        if files:
            rows += _rows(name, _scores(files, 3 if quick else None))
    if not rows:
        raise Skipped("the folder holds none of locomo, longmemeval, coding")
    shares = [f"{budget:.0%}" for budget in BUDGETS]
    columns = (
        "set",
        "asked",
        "recall",
        "context",
        *(f"evidence {share}" for share in shares),
        *(f"answers {share}" for share in shares),
        "filled",
        "rewrites",
    )
    contest = Contest(OURS.format("layered"), list(keepers()), more=columns[4:-2], names=3, within=(0, 2))
    return Table("Quality after compaction", columns, rows, NOTES, [contest])


def _scores(files: Sequence[Path], most: int | None) -> Scores:
    scores: Scores = {}
    counter, search = TokenCounter.of(None), bm25_retriever()
    for number, path in enumerate(files):
        said, questions = read(path)
        told = Told.of(said, questions[:most], counter)
        found = _found(search, told, number)
        for place, budget in enumerate(BUDGETS):
            limit = int(budget * sum(told.tokens))
            for way, asked, seen in _contexts(told, limit, found):
                scores.setdefault(way, [Score() for _ in BUDGETS])[place].count(asked, seen, limit)
    return scores


def _contexts(told: Told, limit: int, found: Sequence[Sequence[int]]) -> Iterator[tuple[Way, Asked, Seen]]:
    """Every way's context for every question."""
    for name, policy in PRESETS.items():
        for recalls, asked, seen in ours(told, limit, policy):
            yield (recalls, OURS.format(name)), asked, seen
    room = Policy.layered().recall_room(limit)
    for name, keeper in keepers().items():
        for recalls in (False, True):
            kept = keeper(told, limit - told.longest_question - (room if recalls else 0))
            for asked, hits in zip(told.questions, found, strict=True):
                texts = [*kept.texts, *(filling(told, kept.texts, hits, room) if recalls else ())]
                size = sum(map(told.size, (*texts, asked.text)))
                yield (recalls, name), asked, Seen(texts, size, kept.rewrites)


def ours(told: Told, limit: int, policy: Policy) -> Iterator[tuple[bool, Asked, Seen]]:
    """A session's context for each question, with auto-recall and, as it changes nothing else, without it."""
    with open_archive(":memory:") as archive:
        session = _session(archive, limit, replace(policy, recall_share=None), told)
        for message, follows in zip_longest(told.said, told.said[1:]):
            session.append(message)
            if message.role == "user":
                session.context()
            if message.role != "user" or follows is None or follows.role == "user":
                session.after_turn()  # also where nobody answered
        rewrites = session.stats.compactions
        last = _session(archive, limit, policy, told)
        for number, asked in enumerate(told.questions):
            branch = last.fork(len(told.said), session_id=f"question {number}")
            branch.append(Message("user", asked.text))
            context = branch.context()
            for recalls in (False, True):
                shown = [message for message in context if recalls or not message.is_recalled]
                texts = [piece for message in shown[:-1] for piece in _pieces(message)]
                yield recalls, asked, Seen(texts, told.counter.messages(shown), rewrites)


def _session(archive: Archive, limit: int, policy: Policy, told: Told) -> Session:
    budget = Budget(limit, reserve_tokens=0)
    return Session(archive, "told", budget=budget, policy=policy, counter=told.counter)


def filling(told: Told, texts: Sequence[str], hits: Sequence[int], room: int) -> list[str]:
    """The best hits that are not shown already and fit, best first."""
    shown, more = set(texts), list[str]()
    for seq in hits:
        text, tokens = told.said[seq - 1].text, told.tokens[seq - 1]
        if tokens <= room and text not in shown:
            room -= tokens
            more.append(text)
    return more


def _found(search: Search, told: Told, number: int) -> list[Sequence[int]]:
    texts = [f"{each.name}: {each.text}" if each.name else each.text for each in told.said]
    whole = Conversation(number, texts, ())
    return [search(Question(whole, asked.text, frozenset()), RETRIEVED) for asked in told.questions]


def _pieces(message: Message) -> list[str]:
    """What a message says; of a recalled block the passages that it quotes."""
    if not message.is_recalled:
        return [message.text]
    return [part for _, quotation in recalled_quotes(message.text) for part in passages_in(quotation)]


def _rows(name: str, scores: Scores) -> Iterator[Sequence[object]]:
    first = next(iter(scores.values()))[0]
    asked = f"{len(first.evidence)} (of {len(first.answers)})"
    for recalls in (False, True):
        for (with_recall, by), each in scores.items():
            if with_recall is recalls:
                yield (
                    name,
                    asked,
                    "with" if recalls else "without",
                    by,
                    *(f"{mean(score.evidence):.3f}" for score in each),
                    *(f"{mean(score.answers):.3f}" if score.answers else "-" for score in each),
                    " / ".join(f"{mean(score.filled):.2f}" for score in each),
                    " / ".join(f"{mean(score.rewrites):.0f}" for score in each),
                )
