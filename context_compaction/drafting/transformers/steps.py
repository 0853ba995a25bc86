"""The physical steps of decoding over a static cache: prefill, one decode step, and what moves between them.

Shapes, beside the tensors: B rows, T tokens of a prompt, M tokens of a suffix, L slots of the cache, V words,
N new tokens at most, K words sampled from. Every part that moves lives in a tensor of fixed address, and the
step advances all of them itself: so it can be captured once in a CUDA graph and replayed, the host looking
on now and then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from context_compaction.drafting.transformers.model import CausalModel
from context_compaction.drafting.transformers.sampling import SAMPLED_WORDS, Sampling, pick_sampled

PAD = 0
"""Stands where a row has nothing; its slot is masked."""


@dataclass(slots=True, eq=False)
class Slots:
    """Cache and state for B rows of L slots: made once, used for many drafts."""

    cache: Any
    """A static cache: keys and values [B, heads, L, width] a layer."""
    token: torch.Tensor
    """[B, 1] the newest token of each row, which the next step reads."""
    position: torch.Tensor
    """[B, 1] its position."""
    slot: torch.Tensor
    """[1] where in the cache it goes, the same for all rows."""
    nth: torch.Tensor
    """[1] how many tokens were written."""
    visible: torch.Tensor
    """[B, 1, 1, L] which slots a row may look at."""
    done: torch.Tensor
    """[B] rows that have ended."""
    limit: torch.Tensor
    """[B] tokens that a row may write."""
    written: torch.Tensor
    """[B, N]."""
    noise: torch.Tensor
    """[N, B, K] Gumbel noise for sampling, drawn before the first step."""
    graphs: dict[Sampling | None, Any] = field(default_factory=dict[Sampling | None, Any])
    """Captured steps. Greedy under None; noise is not part of a graph, temperature is."""

    @property
    def rows(self) -> int:
        """B."""
        return self.token.shape[0]

    @property
    def length(self) -> int:
        """L."""
        return self.visible.shape[-1]

    @property
    def capacity(self) -> int:
        """N."""
        return self.written.shape[1]

    def state(self) -> tuple[torch.Tensor, ...]:
        """All that a step changes, keys and values aside: the mask hides what lies in those."""
        lengths = (layer.cumulative_length for layer in self.cache.layers)
        moving = (self.token, self.position, self.slot, self.nth, self.visible, self.done, self.written)
        return (*moving, *lengths)

    def clear(self) -> None:
        """As when it was new."""
        for tensor in self.state():
            tensor.zero_()


def new_slots(model: CausalModel, rows: int, length: int, capacity: int) -> Slots:
    """Empty slots on the model's device. Raises torch's out-of-memory errors."""
    device = model.device

    def zeros(*shape: int, dtype: torch.dtype = torch.long) -> torch.Tensor:
        return torch.zeros(shape, dtype=dtype, device=device)

    return Slots(
        model.static_cache(length),
        token=zeros(rows, 1),
        position=zeros(rows, 1),
        slot=zeros(1),
        nth=zeros(1),
        visible=zeros(rows, 1, 1, length, dtype=torch.bool),
        done=zeros(rows, dtype=torch.bool),
        limit=zeros(rows),
        written=zeros(rows, capacity),
        noise=zeros(capacity, rows, SAMPLED_WORDS, dtype=torch.float32),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """What the model's vocabulary means to the step."""

    bias: torch.Tensor
    """[V] added to the logits: minus infinity for words that must not be written."""
    ends: torch.Tensor
    """[E] words that end a row."""


def decode_step(model: CausalModel, slots: Slots, words: Words, sampling: Sampling | None) -> None:
    """Read the newest token of every row, write the next. Nothing in it depends on the host."""
    slots.visible.index_fill_(3, slots.slot, True)
    logits = model(slots.token, slots.position, slots.visible, slots.cache)  # [B, V]
    emit(logits, slots, words, sampling)
    slots.position.add_(1)
    slots.slot.add_(1)


def emit(logits: torch.Tensor, slots: Slots, words: Words, sampling: Sampling | None) -> None:
    """Choose a word for every row from logits [B, V], note it, and see which rows have ended."""
    scores = logits.float() + words.bias
    if sampling is None:
        chosen = scores.argmax(dim=-1)  # [B]
    else:
        noise = slots.noise.index_select(0, slots.nth)[0]  # [B, K]
        chosen = pick_sampled(scores, noise, sampling)
    chosen = torch.where(slots.done, torch.full_like(chosen, PAD), chosen)
    slots.written.index_copy_(1, slots.nth, chosen[:, None])
    slots.nth.add_(1)
    ended = (chosen[:, None] == words.ends[None]).any(dim=-1)
    slots.done.logical_or_(ended).logical_or_(slots.limit <= slots.nth)
    slots.token.copy_(chosen[:, None])


def left_padded(several: Sequence[Sequence[int]], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens [B, T], each row ending at the last place, and how many [B] stand for padding before it."""
    longest = max(map(len, several))
    ids = torch.tensor([[PAD] * (longest - len(row)) + list(row) for row in several], device=device)
    return ids, torch.tensor([longest - len(row) for row in several], device=device)


def prefill_prefixes(model: CausalModel, prefixes: Sequence[Sequence[int]], past: Any = None) -> Any:
    """Keys and values of prompts, in one batch; each ends at the last slot, padding before it.

    ``past``: a cache of one row that stands before all of them. Without padding and past the attention is
    plain causal, which takes the fast path.
    """
    device, rows = model.device, len(prefixes)
    longest = max(map(len, prefixes))
    ids, pads = left_padded(prefixes, device)
    before = past.get_seq_length() if past is not None else 0
    cache = model.growing_cache()
    if past is not None:
        for index, layer in enumerate(past.layers):
            cache.update(layer.keys.repeat(rows, 1, 1, 1), layer.values.repeat(rows, 1, 1, 1), index)
    steps = torch.arange(longest, device=device)
    position = (before + steps[None] - pads[:, None]).clamp(min=0)  # [B, T]
    mask = None
    if before or bool(pads.any()):
        keys = torch.arange(before + longest, device=device)
        shown = (keys[None] < before) | (keys[None] >= before + pads[:, None])  # [B, before + T]
        mask = _causal(shown, steps + before)
    model(ids, position, mask, cache)
    return cache


@dataclass(frozen=True, slots=True)
class Prefilled:
    """One prompt's keys and values among those of a batch."""

    cache: Any
    """As `prefill_prefixes` made it."""
    row: int
    length: int
    """Tokens of the prompt."""
    past: int
    """Those of them that stand first in the cache, before the padding: what all its rows share."""


def lay_prefix(slots: Slots, rows: slice, source: Prefilled, end: int) -> None:
    """Copy a prefilled prompt's keys and values into rows, to end at slot ``end``."""
    start, past, own = end - source.length, source.past, source.length - source.past
    for layer, filled in zip(slots.cache.layers, source.cache.layers, strict=True):
        if not layer.is_initialized:
            like = filled.keys[:1].expand(slots.rows, -1, -1, -1)
            layer.lazy_initialization(like, filled.values[:1].expand(slots.rows, -1, -1, -1))
        for to, given in ((layer.keys, filled.keys), (layer.values, filled.values)):
            if past:
                to[rows, :, start : start + past].copy_(given[source.row, :, :past])
            to[rows, :, start + past : end].copy_(given[source.row, :, given.shape[2] - own :])
    slots.visible[rows, 0, 0, start:end] = True


def prefill_suffixes(
    model: CausalModel, slots: Slots, lengths: Sequence[int], suffixes: Sequence[Sequence[int]]
) -> torch.Tensor:
    """What differs between rows, behind the prefixes that were laid: logits [B, V] of each row's last token.

    ``lengths`` are of the prefixes, which all end at the same slot; padding stands between them and the
    suffixes. Leaves the slots ready for the first `emit`.
    """
    device, end, width = model.device, max(lengths), max(map(len, suffixes))
    ids, pads = left_padded(suffixes, device)
    before = torch.tensor(lengths, device=device)  # [B]
    steps = torch.arange(width, device=device)
    slots.visible[:, 0, 0, end : end + width] = steps[None] >= pads[:, None]
    for layer in slots.cache.layers:
        layer.cumulative_length.fill_(end)
    position = (before[:, None] + steps[None] - pads[:, None]).clamp(min=0)  # [B, M]
    logits = model(ids, position, _causal(slots.visible[:, 0, 0], steps + end), slots.cache)
    slots.slot.fill_(end + width)
    slots.position.copy_((before + width - pads)[:, None])
    return logits


def _causal(shown: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """[B, 1, T, L] from [B, L] visible slots and [T] the slots of the queries; each sees itself."""
    keys = torch.arange(shown.shape[1], device=shown.device)
    own = keys[None] == at[:, None]  # [T, L]: a row of nothing but minus infinity would give NaN
    causal = keys[None] <= at[:, None]
    return (shown[:, None, None] & causal[None, None]) | own[None, None]
