"""Asking a drafter: its answer counted and checked, and asked for once more where that was rejected."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from context_compaction.counting import TokenCounter
from context_compaction.drafting.base import Draft, DraftRequest, SummaryDrafter
from context_compaction.drafting.checks import checked
from context_compaction.drafting.transcript import source_tokens
from context_compaction.errors import DrafterError


@dataclass(slots=True)
class Asking:
    """One call of a chain's member, which may become several of its drafter."""

    drafter: SummaryDrafter
    counter: TokenCounter
    stop: threading.Event
    notes: list[str] = field(default_factory=list[str])
    """How drafts were written, what was left out of them, why it was asked again; in words."""

    def texts(self, requests: Sequence[DraftRequest]) -> list[str]:
        """Checked texts, one a request. Those whose draft is rejected are asked for again, alone.

        Raises `DrafterError` when that does not help, or the answer is no answer at all.
        """
        texts: dict[int, str] = {}
        waiting = dict(enumerate(requests))
        while waiting:
            rejected: dict[int, DrafterError] = {}
            for index, result in self._results(waiting):
                if isinstance(result, str):
                    texts[index] = result
                else:
                    rejected[index] = result
            waiting = {index: self._again(waiting[index], error) for index, error in rejected.items()}
        return [texts[index] for index in range(len(requests))]

    def _results(self, waiting: dict[int, DraftRequest]) -> Iterator[tuple[int, str | DrafterError]]:
        drafts = self._drafts(tuple(waiting.values()))
        for (index, request), draft in zip(waiting.items(), drafts, strict=True):
            try:
                yield index, self._checked(draft, request)
            except DrafterError as error:
                yield index, error

    def _drafts(self, requests: Sequence[DraftRequest]) -> Sequence[object]:
        if self.stop.is_set():
            raise DrafterError("stopped")
        answer: object = self.drafter.draft(requests, cancel=self.stop)
        if not isinstance(answer, (list, tuple)):
            raise DrafterError(f"returned {type(answer).__name__}, not a list of drafts")
        drafts: Sequence[object] = answer
        if len(drafts) != len(requests):
            raise DrafterError(f"returned {len(drafts)} drafts for {len(requests)} requests")
        return drafts

    def _checked(self, draft: object, request: DraftRequest) -> str:
        text, note = checked(
            draft,
            request,
            self.counter,
            source_tokens(request, self.counter),
            sectioned=self.drafter.sectioned,
            instructions=self.drafter.instructions,
        )
        if isinstance(draft, Draft):
            self._note(draft.note)
        self._note(note)
        return text

    def _again(self, request: DraftRequest, error: DrafterError) -> DraftRequest:
        """The request to be asked once more. Raises the error, with what went before, when it was already."""
        if request.attempt >= self.drafter.retries:
            raise DrafterError("; ".join([*self.notes, str(error)])) from error
        self._note(f"asked again, because {error}")
        return replace(request, attempt=request.attempt + 1)

    def _note(self, note: str) -> None:
        if note and note not in self.notes:
            self.notes.append(note)
