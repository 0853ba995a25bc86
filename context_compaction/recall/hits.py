"""`SearchHit`: one answer of a recall, and the list of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from context_compaction.displayed import Displayed
from context_compaction.messages import Message
from context_compaction.recall.reasons import Reason, in_words
from context_compaction.view import SummaryRecord


@dataclass(frozen=True, slots=True)
class SearchHit(Displayed):
    """A message or a summary that answers a query, with the reason. Exactly one of the two is there."""

    ref: str
    """``m:57`` or ``s:3``; of a search over sessions ``m:57@session``, for `expand` with the same scope."""
    message: Message | None
    summary: SummaryRecord | None
    score: float
    """Comparable within one recall only; higher is better."""
    why: tuple[str, ...]
    """The query's words that it holds, most telling first; empty when only the messages around it match."""
    neighbours: tuple[str, ...]
    """References of the messages around it in the same sitting, up to two before and two after."""
    reasons: tuple[Reason, ...] = ()
    """All the words that it has to do with the query, what it holds itself first; none if it is only near."""
    similarity: float | None = None
    """With an embedder, the cosine of its vector and the question's; None if that is not known."""
    session_id: str | None = None
    """Of a search over sessions, whose it is; None within one."""

    @property
    def text(self) -> str:
        """What it says."""
        if self.message is not None:
            return self.message.text
        return "" if self.summary is None else self.summary.text

    @property
    def metadata(self) -> dict[str, Any]:
        """What else there is to tell of it, as JSON data: where it stands, whose it is, why it is a hit."""
        said = self.message
        return {
            "ref": self.ref,
            "role": "summary" if said is None else said.role,
            "time": None if said is None else said.timestamp,
            "name": None if said is None else said.name,
            "why": list(self.why),
            "because": self.because,
            "neighbours": list(self.neighbours),
        }

    @property
    def because(self) -> str:
        """The reasons in words: ``holds crane, berth; dated 16 June; beside messages with harbour``."""
        return in_words(self.reasons)


class HitList(Displayed, list[SearchHit]):
    """A list like any other, best hit first, that a notebook can show."""

    __slots__ = ()
