"""A loaded model with all that writing takes: laying out, the worker, joining."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from functools import partial

from context_compaction.counting.transformers import TransformersCounter
from context_compaction.drafting.base import Draft, DraftRequest
from context_compaction.drafting.prompt import Instructions
from context_compaction.drafting.transformers.answers import assembled, finished
from context_compaction.drafting.transformers.batches import slots_that_fit
from context_compaction.drafting.transformers.chat import ChatFormat, common_length
from context_compaction.drafting.transformers.decoder import Decoder
from context_compaction.drafting.transformers.generate import GenerateDecoder
from context_compaction.drafting.transformers.layout import Layout, Writer
from context_compaction.drafting.transformers.loading import Loaded
from context_compaction.drafting.transformers.model import CausalModel
from context_compaction.drafting.transformers.origin import Mode
from context_compaction.drafting.transformers.worker import Job, Worker


class Ready:
    """Writes drafts; safe to use from several threads, whose requests meet in the worker."""

    def __init__(self, loaded: Loaded, window: int, mode: Mode, instructions: Instructions) -> None:
        model = CausalModel(loaded.module)
        chat = ChatFormat(loaded.tokenizer, getattr(loaded.module, "generation_config", None))
        made = Decoder if model.is_plain else GenerateDecoder
        decoder = made(model, ends=chat.ends, banned=chat.banned)
        counter = TransformersCounter(loaded.tokenizer)
        self.writer = Writer(chat, counter, window, mode, instructions)
        self.worker = Worker(decoder, partial(slots_that_fit, model))
        # Two ranges that differ from their first letter on: what they share is the instructions.
        told = [self.writer.prompt_of(text) for text in ("a", "Z")]
        self._told = tuple(told[0][: common_length(told)])

    def drafts(self, requests: Sequence[DraftRequest], cancel: threading.Event) -> list[Draft]:
        """One draft a request, all written in one batch. Raises `DrafterError`."""
        layouts = [self.writer.lay_out(request) for request in requests]
        attempt = max((request.attempt for request in requests), default=0)
        prompts = [prompt for layout in layouts for prompt in layout.prompts]
        by_section = all(layout.mode == "sections" for layout in layouts)
        told = self._told if by_section else ()
        answers = iter(self.worker.write(Job(prompts, attempt, cancel, told)))
        return [Draft(self._text(layout, answers), layout.note) for layout in layouts]

    def _text(self, layout: Layout, answers: Iterator[list[list[int]]]) -> str:
        chat = self.writer.chat
        written = [
            [finished(chat.text(ids), ended=len(ids) < prompt.max_new) for ids in next(answers)]
            for prompt in layout.prompts
        ]
        counter = layout.request.counter or self.writer.counter
        return assembled(layout, written, self.writer.instructions.nothing, counter)
