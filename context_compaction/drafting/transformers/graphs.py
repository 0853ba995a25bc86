"""One decode step captured in a CUDA graph, so that the host launches it with a single call."""

from __future__ import annotations

from collections.abc import Callable

import torch

from context_compaction.drafting.transformers.sampling import Sampling
from context_compaction.drafting.transformers.steps import Slots

WARMING_STEPS = 3
"""Runs before the capture, in which libraries pick their kernels and reserve their memory."""


def captured(slots: Slots, sampling: Sampling | None, step: Callable[[], None]) -> Callable[[], None]:
    """The step as a replay; captured at its first use with these slots, whose state is left as it was."""
    graph = slots.graphs.get(sampling)
    if graph is None:
        graph = slots.graphs[sampling] = _capture(slots, step)
    return graph.replay


def _capture(slots: Slots, step: Callable[[], None]) -> torch.cuda.CUDAGraph:
    before = [tensor.clone() for tensor in slots.state()]

    def restore() -> None:
        for tensor, value in zip(slots.state(), before, strict=True):
            tensor.copy_(value)

    try:
        return _recorded(step, restore)
    finally:
        restore()


def _recorded(step: Callable[[], None], restore: Callable[[], None]) -> torch.cuda.CUDAGraph:
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARMING_STEPS):
            step()
            restore()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):  # others may use the card meanwhile
        step()
    return graph
