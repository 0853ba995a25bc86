"""`Decoder`: many prompts written at once, over slots that live as long as it does."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from context_compaction.drafting.transformers.graphs import captured
from context_compaction.drafting.transformers.loading import is_out_of_memory
from context_compaction.drafting.transformers.model import CausalModel
from context_compaction.drafting.transformers.rows import GRAIN, Rows
from context_compaction.drafting.transformers.sampling import Sampling, draw_noise
from context_compaction.drafting.transformers.steps import (
    Prefilled,
    Slots,
    Words,
    decode_step,
    emit,
    lay_prefix,
    new_slots,
    prefill_prefixes,
    prefill_suffixes,
)

logger = logging.getLogger(__name__)

CHECK_EVERY = 8
"""Steps between two looks of the host at what the device has done."""
PREFILL_TOKENS = 16_384
"""Prompts are prefilled in batches of at most so many tokens, padding included."""
PADDED = 1.25
"""How much longer than the shortest a prompt of one batch may be: the difference is padding."""
KEPT_SLOTS = 3
"""Sizes of slots that are kept for the next draft."""


@dataclass(frozen=True, slots=True)
class SharedPrompt:
    """One prompt with several endings, each continued by itself."""

    prefix: Sequence[int]
    suffixes: Sequence[Sequence[int]]
    """At least one, none empty."""
    max_new: int
    """Tokens that each may write."""


Step = Callable[[], None]
Look = Callable[[int], Collection[int]]
"""Told how many tokens were written, gives the prompts (by index) that need not be gone on with."""


@dataclass(slots=True)
class _Batch:
    """Prompts being written, and where their rows are."""

    prompts: Sequence[SharedPrompt]
    past: int
    """Tokens of the kept instructions that each prefix begins with."""
    look: Look

    def __post_init__(self) -> None:
        if any(len(prompt.prefix) <= self.past for prompt in self.prompts):
            self.past = 0

    @property
    def owners(self) -> list[int]:
        """The prompt of each row."""
        return [index for index, prompt in enumerate(self.prompts) for _ in prompt.suffixes]

    @property
    def suffixes(self) -> list[Sequence[int]]:
        """The ending of each row."""
        return [suffix for prompt in self.prompts for suffix in prompt.suffixes]

    def rows_of(self, index: int) -> slice:
        """The rows of a prompt."""
        first = sum(len(prompt.suffixes) for prompt in self.prompts[:index])
        return slice(first, first + len(self.prompts[index].suffixes))

    @property
    def end(self) -> int:
        """The slot at which all prefixes end."""
        return max(len(prompt.prefix) for prompt in self.prompts)

    @property
    def new(self) -> int:
        """Tokens that the row with the highest limit may write."""
        return max(prompt.max_new for prompt in self.prompts)

    def given_up(self, written: int) -> bool:
        """Whether nobody wants any of it any more."""
        return len(set(self.look(written))) == len(self.prompts)


class Decoder:
    """Writes with one causal model, greedily or sampled; not thread-safe.

    ``ends`` are the tokens that end a text, ``banned`` those that must not be written. On CUDA a decode step
    is captured once for each size of slots and replayed. The last draft's instructions are kept.
    """

    def __init__(self, model: CausalModel, *, ends: Collection[int], banned: Collection[int] = ()) -> None:
        self.model = model
        device = model.device
        bias = torch.zeros(model.words, dtype=torch.float32, device=device)
        bias[torch.tensor(list(banned), dtype=torch.long, device=device)] = -torch.inf
        self._ends = frozenset(ends)
        self.words = Words(bias, torch.tensor(list(ends) or [-1], dtype=torch.long, device=device))
        self.graphs = device.type == "cuda"
        self.sizes: OrderedDict[tuple[int, int, int], Slots] = OrderedDict()
        self._instructions: tuple[tuple[int, ...], Any] | None = None

    @torch.no_grad()
    def write(
        self,
        prompts: Sequence[SharedPrompt],
        *,
        sampling: Sampling | None = None,
        seed: int = 0,
        instructions: Sequence[int] = (),
        look: Look = lambda _: (),
    ) -> list[list[list[int]]]:
        """What each ending of each prompt was continued with, its end token left out.

        ``instructions``: tokens that all prefixes begin with, prefilled once and kept. Every `CHECK_EVERY`
        steps ``look`` is asked; when it names all prompts that are still being written, all ends. Raises
        torch's out-of-memory errors.
        """
        batch = _Batch(prompts, len(instructions), look)
        slots = self._slots(batch)
        if sampling is not None:
            draw_noise(slots.noise, seed)
        if not self._prefill(batch, slots, tuple(instructions)):
            return [[[] for _ in prompt.suffixes] for prompt in prompts]
        spare = slots.rows - len(batch.owners)
        lengths = [len(prompts[owner].prefix) for owner in batch.owners] + [batch.end] * spare
        suffixes = batch.suffixes + batch.suffixes[:1] * spare
        rows = Rows(slots, batch.owners)
        if not self.graphs:
            rows.reach(batch.end + max(map(len, suffixes)))
        logits = prefill_suffixes(self.model, rows.slots, lengths, suffixes)
        emit(logits, rows.slots, self.words, sampling)
        self._decode(batch, rows, sampling)
        return self._parted(batch, rows.texts())

    def close(self) -> None:
        """Give the slots back."""
        self.sizes.clear()
        self._instructions = None

    def _slots(self, batch: _Batch) -> Slots:
        """Slots that are large enough, ready: on CUDA in few sizes, since each has its own graph."""
        owners, new = batch.owners, batch.new
        rows, length = len(owners), batch.end + max(map(len, batch.suffixes)) + new
        if self.graphs:
            rows, length, new = _power(rows, 1), _power(length, 1024), _power(new, GRAIN)
        key = (rows, -(-length // GRAIN) * GRAIN, -(-new // GRAIN) * GRAIN)
        slots = self.sizes.pop(key, None)
        while slots is None and len(self.sizes) >= KEPT_SLOTS:
            self.sizes.popitem(last=False)
        slots = self.sizes[key] = slots or new_slots(self.model, *key)
        slots.clear()
        limits = [batch.prompts[owner].max_new for owner in owners] + [0] * (rows - len(owners))
        slots.limit.copy_(torch.tensor(limits))
        slots.done[len(owners) :] = True
        return slots

    def _prefill(self, batch: _Batch, slots: Slots, instructions: tuple[int, ...]) -> bool:
        """Prefill each prefix once and lay it into its rows; False when all were given up meanwhile."""
        past = self._kept(instructions) if batch.past else None
        prefixes = [prompt.prefix[batch.past :] for prompt in batch.prompts]
        for several in _batches(list(map(len, prefixes))):
            if batch.given_up(0):
                return False
            filled = prefill_prefixes(self.model, [prefixes[index] for index in several], past)
            for place, index in enumerate(several):
                source = Prefilled(filled, place, len(batch.prompts[index].prefix), batch.past)
                lay_prefix(slots, batch.rows_of(index), source, batch.end)
        return True

    def _kept(self, instructions: tuple[int, ...]) -> Any:
        if self._instructions is None or self._instructions[0] != instructions:
            self._instructions = (instructions, prefill_prefixes(self.model, [instructions]))
        return self._instructions[1]

    def _decode(self, batch: _Batch, rows: Rows, sampling: Sampling | None) -> None:
        """Step until every row has ended or is not wanted, looking on every `CHECK_EVERY` steps.

        A captured step takes all rows to the end. Otherwise those that have ended are let go; where reading
        waits for no device that is looked for at every step.
        """

        def step() -> None:
            decode_step(self.model, rows.slots, self.words, sampling)

        run = self._replayed(rows.slots, sampling, step) if self.graphs and batch.new > 1 else step
        each = 1 if self.model.device.type == "cpu" else CHECK_EVERY
        filled, unwanted = int(rows.slots.slot), set[int]()
        if not self.graphs:
            rows.reach(filled + each)
        for count in range(1, batch.new):
            if count % CHECK_EVERY == 0:
                unwanted = set(batch.look(count))
            if count % each == 0:
                going_on = rows.going_on(unwanted)
                if not going_on:
                    return
                if not self.graphs:
                    rows.keep(going_on)
                    rows.reach(filled + count + each)
            run()

    def _replayed(self, slots: Slots, sampling: Sampling | None, step: Step) -> Step:
        """The step as one launch; as it is, from now on, where it cannot be captured."""
        try:
            return captured(slots, sampling, step)
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise
            logger.warning("decode step not captured, drafting goes on uncaptured: %s", error)
            self.graphs = False
            return step

    def _parted(self, batch: _Batch, texts: Sequence[list[int]]) -> list[list[list[int]]]:
        """What the rows wrote, by prompt."""
        written = iter(texts)
        return [
            [until_end(next(written)[: prompt.max_new], self._ends) for _ in prompt.suffixes]
            for prompt in batch.prompts
        ]


def until_end(tokens: list[int], ends: Collection[int]) -> list[int]:
    """What stands before the first end token."""
    return tokens[: next((place for place, token in enumerate(tokens) if token in ends), len(tokens))]


def _power(number: int, least: int) -> int:
    """The first of ``least``, twice that, four times that ... that is no less."""
    return least << max(0, (-(-number // least) - 1).bit_length())


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indices in batches of like length, each at most `PREFILL_TOKENS` with its padding."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: lengths[index]):
        uneven = batch and lengths[index] > PADDED * lengths[batch[0]]
        if uneven or (batch and lengths[index] * (len(batch) + 1) > PREFILL_TOKENS):
            yield batch
            batch = []
        batch.append(index)
    yield batch
