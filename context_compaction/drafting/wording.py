"""Whether one sentence says what another does, in about the same words.

Of each clause six tenths of the telling words must stand in the other sentence, most of them under the same
negation: "never touch the tests" does not say "touch the tests".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from context_compaction.text.terms import query_words, stem

SHARE = 0.6
"""Of a clause's telling words that the other sentence must have."""

_CLAUSE = re.compile(
    r"(?<=[.!?])\s|[,;:—]|[\u2013\uff0c\uff1b\u3001\u3002]"
    r"|\b(?:but|and|or|und|oder|aber|pero|mais|но)\b",
    re.IGNORECASE,
)
_ENDED = re.compile(r"[.!?]$")
_NEGATION = re.compile(
    r"\b(?:not|never|no|none|nobody|nothing|cannot|without|avoid|stop|forbid|forbidden|prohibited|refrain)\b|n['’]t\b"  # noqa: RUF001  typed so
    r"|\b(?:nicht|nie|niemals|kein\w{0,2}|nunca|jamais|pas|не|никогда|нельзя)\b"
    r"|[不别勿]|禁止|ない|않|금지",
    re.IGNORECASE,
)
_AFFIRMATION = re.compile(
    r"\b(?:always|must|only|instead|rather|use|do|keep|make|ensure|should|run|immer|siempre|toujours|всегда)\b"
    r"|必须|总是|必ず|항상",
    re.IGNORECASE,
)
_FILLERS = frozenset(
    map(
        stem,
        """
        always never ensure sure must make remember important note rule instruction want wish need prefer
        request ask user assistant demand expect insist order told said please henceforth without avoid
        refrain forbid forbidden prohibited stop
        """.split(),  # noqa: SIM905 - quoted one by one they would be a page
    )
)


@dataclass(frozen=True, slots=True)
class Clause:
    """The telling words of a part of a sentence, and whether it denies or forbids."""

    words: frozenset[str]
    negated: bool | None
    """None behind a clause that denies and without a sign of its own: it may be denied with it."""

    @staticmethod
    def of(sentence: str) -> list[Clause]:
        """The clauses of a sentence or several. One of a single word goes with the one before."""
        out: list[Clause] = []
        negated: bool | None = False
        for part in _CLAUSE.split(sentence):
            denies, affirms = bool(_NEGATION.search(part)), bool(_AFFIRMATION.search(part))
            negated = True if denies else False if affirms or negated is False else None
            words = frozenset(query_words(part)) - _FILLERS
            if out and len(words) == 1 and not denies and not affirms:
                out[-1] = Clause(out[-1].words | words, out[-1].negated)
            elif words:
                out.append(Clause(words, negated))
            negated = False if _ENDED.search(part) else negated
        return out


@dataclass(frozen=True, slots=True)
class Sentence:
    """The telling words of a sentence: those that may be denied or forbidden in it, and those not."""

    negated: frozenset[str]
    plain: frozenset[str]

    @classmethod
    def of(cls, sentence: str) -> Sentence:
        """The words of a sentence, or of a line of several."""
        negated, plain = set[str](), set[str]()
        for clause in Clause.of(sentence):
            if clause.negated is not False:
                negated |= clause.words
            if clause.negated is not True:
                plain |= clause.words
        return cls(frozenset(negated), frozenset(plain))

    def says(self, clause: Clause) -> bool:
        """Whether it has the clause's words, most of them under the same negation."""
        found = clause.words & (self.negated | self.plain)
        if len(found) < SHARE * len(clause.words):
            return False
        if clause.negated is None:
            return True
        same, other = (self.negated, self.plain) if clause.negated else (self.plain, self.negated)
        return len(found & same) >= len(found & other)
