"""How a request becomes prompts: section by section over one range, or in pieces that are joined by code."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from context_compaction.counting import TokenCounter
from context_compaction.drafting.base import DraftRequest, Passage
from context_compaction.drafting.chunks import CONTEXT_SHARE, cut
from context_compaction.drafting.prompt import Instructions, Prompt
from context_compaction.drafting.transformers.chat import ChatFormat
from context_compaction.drafting.transformers.decoder import SharedPrompt
from context_compaction.drafting.transformers.origin import Mode
from context_compaction.errors import DrafterError

PIECE_TOKENS = 2048
"""Of a range, for each of the pieces that are written side by side."""
SLACK = 1.5
"""Sections and pieces differ in length: each may have half as much again as its even share."""
LEAST_NEW = 48
"""Tokens that a section or piece may write however small its share."""
SAMPLE = 8000
"""Characters by which two tokenizers are compared."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The prompts of one request."""

    request: DraftRequest
    mode: Literal["sections", "chunks", "whole"]
    prompts: Sequence[SharedPrompt]
    """One a piece; with a suffix a section, or a single one that asks for all of them."""

    @property
    def note(self) -> str:
        """How it is written, in words."""
        tokens = sum(len(prompt.prefix) for prompt in self.prompts)
        many = f"{len(self.prompts)} pieces" if len(self.prompts) > 1 else "1 piece"
        sides = f"{len(self.prompts[0].suffixes)} sections" if self.mode == "sections" else "whole"
        return f"{self.mode}: {many} x {sides}, {tokens} prompt tokens"


@dataclass(frozen=True, slots=True)
class Writer:
    """What laying out depends on besides the request."""

    chat: ChatFormat
    counter: TokenCounter
    """The model's own tokenizer."""
    window: int
    mode: Mode
    instructions: Instructions

    def lay_out(self, request: DraftRequest) -> Layout:
        """Sections while the range fits the window, else pieces; whatever was asked for by name.

        Pieces go section by section too where a window cannot hold what is told of all sections.
        Raises `DrafterError` when not even one line of the range fits beside the instructions.
        """
        by_section = self.mode in ("auto", "sections")
        if self.mode != "chunks" and self._may_fit(request):
            one = self._prompts([request], request, by_section=by_section)
            if self._fit(one):
                return Layout(request, "sections" if by_section else "whole", one)
        ways = {"auto": (False, True), "sections": (True,)}.get(self.mode, (False,))
        for way in ways:
            if (layout := self._in_pieces(request, by_section=way)) is not None:
                return layout
        raise DrafterError(f"a window of {self.window} tokens holds little more than the instructions")

    def prompt_of(self, text: str) -> list[int]:
        """Tokens of a section prompt over a user's message of this text."""
        told = DraftRequest("summary", (Passage("m:1", "user", text),), 1).section_prompts(self.instructions)
        return self.chat.ids(Prompt(told.system, f"{told.user}\n{told.asks[0]}"))

    def _in_pieces(self, request: DraftRequest, *, by_section: bool) -> Layout | None:
        """Cut to the window, and to `PIECE_TOKENS`; smaller until every prompt fits. None when none does."""
        bare = self._prompts([_without_passages(request)], request, by_section=by_section)
        told = max(len(bare[0].prefix) + len(suffix) for suffix in bare[0].suffixes)
        room = self.window - told - bare[0].max_new
        while room >= 32:
            pieces = cut(request, room, self.counter, context=room // CONTEXT_SHARE, most=PIECE_TOKENS)
            prompts = self._prompts(pieces, request, by_section=by_section)
            if self._fit(prompts):
                return Layout(request, "sections" if by_section else "chunks", prompts)
            room = int(room * 0.8)
        return None

    def _prompts(
        self, pieces: Sequence[DraftRequest], request: DraftRequest, *, by_section: bool
    ) -> tuple[SharedPrompt, ...]:
        asks = len(request.sections) if by_section else 1
        new = self._new_tokens(request, len(pieces) * asks)
        return tuple(self._prompt(piece, new, by_section=by_section) for piece in pieces)

    def _prompt(self, piece: DraftRequest, new: int, *, by_section: bool) -> SharedPrompt:
        if not by_section:
            ids = self.chat.ids(piece.prompt(self.instructions))
            return SharedPrompt(ids[:-1], [ids[-1:]], new)
        told = piece.section_prompts(self.instructions)
        return SharedPrompt(*self.chat.shared_ids(told.system, told.user, told.asks), new)

    def _new_tokens(self, request: DraftRequest, parts: int) -> int:
        """Tokens, by the model's tokenizer, that each of so many parts may write."""
        sample = "\n".join(passage.text for passage in request.passages)[:SAMPLE]
        theirs = (request.counter or self.counter).text(sample)
        ratio = self.counter.text(sample) / theirs if theirs else 1.0
        cap = request.max_tokens * max(ratio, 0.5)
        even = math.ceil(cap * (SLACK if parts > 1 else 1.0) / parts)
        return min(max(LEAST_NEW, even), max(16, self.window // 4))

    def _may_fit(self, request: DraftRequest) -> bool:
        """Whether the texts alone fit: one look at a long range, before it is made into seven prompts."""
        texts = (passage.text for passage in request.passages)
        return self.counter.text("\n".join(texts)) <= self.window

    def _fit(self, prompts: Sequence[SharedPrompt]) -> bool:
        return all(
            len(prompt.prefix) + max(map(len, prompt.suffixes)) + prompt.max_new <= self.window
            for prompt in prompts
        )


def _without_passages(request: DraftRequest) -> DraftRequest:
    return replace(request, passages=(), context=())
