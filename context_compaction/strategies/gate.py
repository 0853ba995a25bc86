"""The fidelity gate: hard facts of what leaves that nothing else would carry are listed behind the draft."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from context_compaction.counting import TokenCounter
from context_compaction.drafting.base import DraftResult, Passage
from context_compaction.errors import InvalidPolicy
from context_compaction.schema import parse_sections
from context_compaction.strategies.base import Scene
from context_compaction.strategies.telling import telling_facts
from context_compaction.text.facts import Fact, missing, normalised, occurs
from context_compaction.text.intent import is_rule
from context_compaction.text.verbatim import HEADING, LINES, block_text, label_of, split_block
from context_compaction.view import SummaryRecord

FACTS_SHARE = 0.3
"""Of a summary's cap: the most that a drafter is asked to leave to the block."""
WORDS_SHARE = 0.5
"""Of the block: what the user's sentences may take before all else was considered. Chat is full of them."""
LABEL_TOKENS = 5
"""What a line of the block costs beyond its values."""
MISSES = 12
"""Values in a row that do not fit before the block is taken as full."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One summary's gate: ask a drafter for `asked` tokens, then close its draft."""

    facts: tuple[Fact, ...]
    """What only the summary can carry, most telling first."""
    counter: TokenCounter
    cap: int
    """Tokens of the summary, block included."""
    asked: int
    """Tokens to ask a drafter for: the cap, less what the block needs, or less its share."""

    @classmethod
    def of(
        cls,
        passages: Sequence[Passage],
        carried: Sequence[str],
        counter: TokenCounter,
        *,
        cap: int,
        share: float = FACTS_SHARE,
    ) -> Gate:
        """The gate for a summary of ``passages``; ``carried`` are the texts that stay in view anyway.

        ``share`` of the cap is the block's; with 0 nothing is listed.
        """
        facts = tuple(missing(telling_facts(passages), carried)) if share else ()
        need = counter.text(block_text(facts)) + 1 if facts else 0
        return cls(facts, counter, cap, cap - min(int(share * cap), need))

    def closed(self, draft: str) -> str:
        """The draft with the facts that it misses listed behind it, as many as the cap leaves room for.

        A block that the drafter wrote itself is taken off: only code lists facts. The same facts and draft
        give the same text.
        """
        body, _ = split_block(draft)
        listed = list(self._fitting(self._missed(body), self.cap - self.counter.text(body)))
        while listed:
            text = f"{body}\n{block_text(listed)}".lstrip("\n")
            if self.counter.text(text) <= self.cap:
                return text
            listed.pop()
        return body

    def _missed(self, body: str) -> list[Fact]:
        """What the draft misses. A rule has to stand under its goal, where a distillation finds it again."""
        rules = [fact for fact in self.facts if fact.kind == "instruction" and is_rule(fact.value)]
        missed = {*missing(self.facts, [body]), *missing(rules, [parse_sections(body).get("goal", "")])}
        return [fact for fact in self.facts if fact in missed]

    def _fitting(self, facts: Iterable[Fact], room: int) -> Iterator[Fact]:
        """Those that fit into so many tokens by the sum of their own, each said once."""
        room -= self.counter.text(HEADING)
        facts = self._balanced(facts, int(WORDS_SHARE * room))
        labelled: set[str] = set()
        said = ""
        misses = 0
        for fact in facts:
            value = normalised(fact.value)
            if occurs(value, said):
                continue
            first = (label := label_of(fact)) in LINES or label not in labelled
            cost = self._cost(fact) + (LABEL_TOKENS if first else 0)
            if cost > room:
                misses += 1
                if misses > MISSES:
                    return
                continue
            misses = 0
            room -= cost
            labelled.add(label)
            said += f"{value}\n"
            yield fact

    def _balanced(self, facts: Iterable[Fact], room: int) -> Iterator[Fact]:
        """The facts with what the user said in sentences last, as far as it takes more than ``room``."""
        late: list[Fact] = []
        for fact in facts:
            if fact.kind in ("instruction", "decision"):
                room -= self._cost(fact) + LABEL_TOKENS
                if room < 0:
                    late.append(fact)
                    continue
            yield fact
        yield from late

    def _cost(self, fact: Fact) -> int:
        return self.counter.text(f" {fact.value};")


def under_floor(record: SummaryRecord, result: DraftResult, floor: float) -> str:
    """Why a model's summary carries too little, in words; empty when it does not or code wrote it."""
    if not result.is_model or record.fidelity >= floor:
        return ""
    return f"fidelity {record.fidelity:.2f} is under the floor of {floor:.2f}"


def checked_floor(fidelity_floor: float) -> float:
    """The floor itself. Raises `InvalidPolicy` when it is no share."""
    if not 0 <= fidelity_floor <= 1:
        raise InvalidPolicy(f"fidelity_floor is {fidelity_floor}; give a share from 0 to 1")
    return fidelity_floor


def checked_share(facts_share: float) -> float:
    """The share itself. Raises `InvalidPolicy` unless half the summary stays for the drafter's own words."""
    if not 0 <= facts_share <= 0.5:
        raise InvalidPolicy(f"facts_share is {facts_share}; give a share from 0 to .5")
    return facts_share


def carried_texts(scene: Scene, leaving: Iterable[int] = (), replaced: Iterable[int] = ()) -> list[str]:
    """What pins, summaries and messages of the view say, less what leaves or is replaced (by number)."""
    gone, old = frozenset(leaving), frozenset(replaced)
    said = [
        record.shown.with_blocks(edit.blocks).text if edit else record.shown.text
        for record, edit in scene.shown()
        if record.seq not in gone
    ]
    summaries = [scene.summaries[number].text for number in scene.view.summaries if number not in old]
    return [*(pin.text for pin in scene.pins), *summaries, *said]
