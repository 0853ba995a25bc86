"""`ExtractiveDrafter`: a summary out of the source's own sentences. No model, no clock, no chance."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from context_compaction.counting import TokenCounter
from context_compaction.drafting.base import Draft, DraftRequest, Passage, SummaryDrafter
from context_compaction.drafting.ledger import ledger_of
from context_compaction.drafting.lines import Line, lines_of, one_line
from context_compaction.drafting.merging import summary_lines
from context_compaction.drafting.selection import Selection
from context_compaction.schema import format_sections


class ExtractiveDrafter(SummaryDrafter):
    """Writes sectioned text from sentences of the source, word for word, each with its reference.

    The user's goals and rules (never from tool output), decisions, errors and what followed, open ends, the
    last state, a timeline; and lists of exact values, files modified and read. Deterministic, and never
    empty for a source that is not. Summaries are merged section by section: the newest state wins.
    """

    name = "extractive"
    is_model = False

    def __init__(self, counter: TokenCounter | Callable[[str], int] | str | None = None) -> None:
        self._counter = TokenCounter.of(counter)

    def draft(self, requests: Sequence[DraftRequest], *, cancel: threading.Event) -> list[Draft]:
        """One draft a request, within its ``max_tokens``. ``cancel`` is looked at between two."""
        return [Draft(self.write(request)) for request in requests if not cancel.is_set()]

    def write(self, request: DraftRequest) -> str:
        """The text for one request."""
        ledger = ledger_of(request.passages)
        lines = lines_of(request.passages, request.focus)
        lines += summary_lines(request.passages, request.sections, ledger)
        chosen = Selection(self._counter, request.max_tokens, request.sections)
        chosen.fill(lines)
        chosen.fill_lists(ledger)
        chosen.fill_rest(lines)
        return chosen.text() or self._least(request)

    def _least(self, request: DraftRequest) -> str:
        """Something for a source without a single sentence, or for next to no room."""
        passage = next((each for each in request.passages if each.text.strip()), None)
        passage = passage or next(iter(request.passages), Passage("", "user", ""))
        line = Line(
            "timeline", one_line(passage.text) or "(no text)", passage.ref, 0, 0, speaker=passage.role
        )
        text = format_sections({request.sections[-1].key: line.written()}, request.sections)
        for shorter in (text, line.written(), line.text):
            if self._counter.text(shorter) <= request.max_tokens:
                return shorter
        return self._cut(line.text, request.max_tokens)

    def _cut(self, text: str, max_tokens: int) -> str:
        """The beginning of a text, at least one character."""
        while len(text) > 1 and self._counter.text(text) > max_tokens:
            text = text[: len(text) // 2]
        return text
