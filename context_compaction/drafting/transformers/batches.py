"""Prompts in batches that memory bears: by what a row takes, and by halves where that was not enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from context_compaction.drafting.transformers.decoder import SharedPrompt
from context_compaction.drafting.transformers.loading import is_out_of_memory
from context_compaction.errors import DrafterError

Answers = list[list[list[int]]]
Write = Callable[[Sequence[SharedPrompt], Sequence[int]], Answers]
"""Writes these prompts, which have these numbers."""
CPU_BYTES = 2 << 30
"""For keys and values without a GPU."""
GPU_SHARE = 0.6
"""Of what is free on the GPU; the rest is for logits, masks and prefill."""


def write_within_memory(prompts: Sequence[SharedPrompt], tokens: int, write: Write) -> Answers:
    """All prompts, in order, in batches of rows that together hold at most ``tokens`` slots.

    Where memory runs out all the same, a batch is written in halves, down to single rows. Raises
    `DrafterError` when one row is too much.
    """
    answers: Answers = []
    for batch in _batches(prompts, tokens):
        answers += _halved([prompts[index] for index in batch], batch, write)
    return answers


def _batches(prompts: Sequence[SharedPrompt], tokens: int) -> list[list[int]]:
    batches: list[list[int]] = []
    rows = longest = 0
    for index, prompt in enumerate(prompts):
        length = len(prompt.prefix) + max(map(len, prompt.suffixes)) + prompt.max_new
        longest, rows = max(longest, length), rows + len(prompt.suffixes)
        if not batches or rows * longest > tokens:
            batches.append([])
            longest, rows = length, len(prompt.suffixes)
        batches[-1].append(index)
    return batches


def _halved(prompts: list[SharedPrompt], numbers: list[int], write: Write) -> Answers:
    try:
        return write(prompts, numbers)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        failed = str(error).splitlines()[0][:200]
    # Outside of the handler: its traceback would hold the tensors that have to go.
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if len(prompts) > 1:
        half = len(prompts) // 2
        first = _halved(prompts[:half], numbers[:half], write)
        return first + _halved(prompts[half:], numbers[half:], write)
    only = prompts[0]
    if len(only.suffixes) > 1:
        half = len(only.suffixes) // 2
        parts = (only.suffixes[:half], only.suffixes[half:])
        written = (_halved([replace(only, suffixes=part)], numbers, write)[0] for part in parts)
        return [[answer for part in written for answer in part]]
    raise DrafterError(f"out of memory with a single prompt of {len(only.prefix)} tokens: {failed}")


def slots_that_fit(model: Any) -> int:
    """How many tokens' keys and values there is room for."""
    config = model.config
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    each = config.num_hidden_layers * 2 * heads * width * model.module.dtype.itemsize
    room = CPU_BYTES
    if model.device.type == "cuda":
        room = int(GPU_SHARE * torch.cuda.mem_get_info(model.device)[0])
    return max(1, room // each)
