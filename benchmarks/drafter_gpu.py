"""Summaries on one NVIDIA GPU at Qwen3-0.6B's shape: ours against what transformers offers, in one run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import Skipped, Table
from benchmarks._drafter_model import (
    QWEN3_06B,
    SMALL,
    Peer,
    free_memory,
    libraries,
    random_model,
    random_prompts,
)
from benchmarks._drafter_tuning import compiled_step, fused_norms, packed_attention
from benchmarks._stopwatch import times

HISTORY, SUMMARY = 8192, 512
"""Tokens in and out."""
CHUNKS, SECTIONS, SECTION_PROMPT = 8, 7, 24
MANY = 64
"""Histories at once, a quarter as long: what fits an 80 GB card at once, and ten minutes."""
REPEATS = 3
FLOORS = "computed floors on such a card: one stream 0.28 s, 8 chunks 0.05 s (4.3 TB/s, 790 TFLOP/s)"
Job = Callable[[], object]
Prompts = Sequence[Sequence[int]]


def run(data: Path | None, *, quick: bool = False) -> Table:  # noqa: ARG001 - prompts are random
    """A row a way. ``quick``: tiny shapes, on whatever device there is, to see that it runs."""
    torch, transformers = libraries()
    if not torch.cuda.is_available() and not quick:
        raise Skipped("it needs a CUDA device")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    bench = _Bench(torch, device, quick=quick)
    rows = bench.rows()
    card = torch.cuda.get_device_name() if device == "cuda" else "cpu"
    notes = [
        f"{card}, torch {torch.__version__}, transformers {transformers.__version__}, random weights",
        f"{bench.history} tokens of history, {bench.summary} of summary, greedy, no end token",
        f"median of {bench.repeats}; cold: the first call in the process that goes that way",
        FLOORS,
    ]
    columns = ("way", "s", "spread", "to generate", "histories/s", "cold s", "peak GiB")
    return Table("The drafter on a GPU", columns, rows, notes)


class _Bench:
    def __init__(self, torch: Any, device: str, *, quick: bool) -> None:
        self.torch, self.device, self.quick = torch, device, quick
        self.shape = SMALL if quick else QWEN3_06B
        self.history, self.summary = (128, 14) if quick else (HISTORY, SUMMARY)
        self.many, self.repeats = (3, 1) if quick else (MANY, REPEATS)
        words = self.shape["vocab_size"]
        self.one = random_prompts(1, self.history, words)
        self.pieces = [self.one[0][start : start + self.history // CHUNKS] for start in self._starts()]
        self.asks = random_prompts(SECTIONS, min(SECTION_PROMPT, self.history // 8), words)
        self.several = random_prompts(self.many, self.history // 4, words)
        self.naive: float | None = None

    def _starts(self) -> range:
        return range(0, self.history, self.history // CHUNKS)

    def rows(self) -> list[list[str]]:
        """Peers first: the ratio is to `generate`, which is what a pipeline calls."""
        made: list[list[str]] = []
        for name, histories, make in self._ways():
            made.append(self._row(name, histories, make))
            free_memory()
        return made

    def _ways(self) -> list[tuple[str, int, Callable[[], Job]]]:
        even, half = -(-self.summary // CHUNKS), self.history // 4
        both = {"norms": True, "packed": True}
        many = f"{self.many} histories of {half}"
        batches = (("batches of 8", 8), ("one batch", self.many))
        compiled = [("one stream, both and compiled", 1, lambda: self._whole(**both, fast=True))]
        compiled = [] if self.quick else compiled  # a minute of compiling
        return [
            ("generate = pipeline, one by one", 1, lambda: self._peer("pipeline", self.one)),
            ("generate, static cache, compiled", 1, lambda: self._peer("static", self.one)),
            ("generate_batch, 8 chunks", 1, lambda: self._peer("continuous", self.pieces, even)),
            ("pipeline, 8 chunks in a batch", 1, lambda: self._peer("pipeline", self.pieces, even, CHUNKS)),
            ("ours, one stream", 1, self._whole),
            ("ours, 7 sections", 1, self._sections),
            ("ours, 8 chunks", 1, self._chunks),
            ("one stream, fused norms", 1, lambda: self._whole(norms=True)),
            ("one stream, packed attention", 1, lambda: self._whole(packed=True)),
            ("one stream, both", 1, lambda: self._whole(**both)),
            *compiled,
            ("7 sections, both", 1, lambda: self._sections(**both)),
            ("8 chunks, both", 1, lambda: self._chunks(**both)),
            *(
                (f"{many}, pipeline in {name}", self.many, partial(self._many_piped, size))
                for name, size in batches
            ),
            (f"{many}, ours in 2 chunks each", self.many, self._many),
            (f"{many}, ours, both", self.many, lambda: self._many(**both)),
        ]

    def _many_piped(self, batch: int) -> Job:
        return self._peer("pipeline", self.several, self.summary, batch)

    def _peer(
        self, way: str, prompts: Sequence[Sequence[int]], new: int | None = None, batch: int = 1
    ) -> Job:
        peer = Peer(random_model(self.shape, self.device), new or self.summary)
        if way == "pipeline":
            return lambda: peer.pipeline(prompts, batch)
        return lambda: getattr(peer, way)(prompts)

    def _decoder(self, *, norms: bool = False, packed: bool = False, fast: bool = False) -> Any:
        from context_compaction.drafting.transformers.decoder import Decoder
        from context_compaction.drafting.transformers.model import CausalModel

        model = random_model(self.shape, self.device)
        model = fused_norms(model) if norms else model
        model = packed_attention(model) if packed else model
        causal = CausalModel(model)
        return Decoder(compiled_step(causal) if fast else causal, ends=())

    def _whole(self, **tuned: bool) -> Job:
        from context_compaction.drafting.transformers.decoder import SharedPrompt

        decoder, ids = self._decoder(**tuned), self.one[0]
        return lambda: decoder.write([SharedPrompt(ids[:-1], [ids[-1:]], self.summary)])

    def _sections(self, **tuned: bool) -> Job:
        from context_compaction.drafting.transformers.decoder import SharedPrompt

        decoder, new = self._decoder(**tuned), -(-self.summary // SECTIONS)
        return lambda: decoder.write([SharedPrompt(self.one[0], self.asks, new)])

    def _chunks(self, **tuned: bool) -> Job:
        return self._pieces(self._decoder(**tuned), self.pieces, -(-self.summary // CHUNKS))

    def _many(self, **tuned: bool) -> Job:
        half = self.history // 8
        pieces = [each[start : start + half] for each in self.several for start in (0, half)]
        return self._pieces(self._decoder(**tuned), pieces, self.summary // 2)

    def _pieces(self, decoder: Any, pieces: Sequence[list[int]], new: int) -> Job:
        from context_compaction.drafting.transformers.batches import slots_that_fit, write_within_memory
        from context_compaction.drafting.transformers.decoder import SharedPrompt

        prompts = [SharedPrompt(piece[:-1], [piece[-1:]], new) for piece in pieces]
        return lambda: write_within_memory(
            prompts, slots_that_fit(decoder.model), lambda several, _: decoder.write(several)
        )

    def _row(self, name: str, histories: int, make: Callable[[], Job]) -> list[str]:
        try:
            job = make()
            cold = self._seconds(job)
            taken = sorted(self._seconds(job) for _ in range(self.repeats))
        except Exception as error:  # noqa: BLE001 - one that fails leaves the others standing
            return [
                name,
                "-",
                f"{type(error).__name__}: {str(error).splitlines()[0][:60]}",
                "-",
                "-",
                "-",
                "-",
            ]
        median = statistics.median(taken)
        self.naive = self.naive or median
        ratio = times(self.naive / median) if histories == 1 else "-"
        peak = self.torch.cuda.max_memory_allocated() / 2**30 if self.device == "cuda" else 0.0
        cells = [f"{median:.3f}", f"{taken[0]:.3f}-{taken[-1]:.3f}", ratio, f"{histories / median:.2f}"]
        return [name, *cells, f"{cold:.1f}", f"{peak:.1f}"]

    def _seconds(self, job: Job) -> float:
        self._wait()
        start = time.perf_counter()
        job()
        self._wait()
        return time.perf_counter() - start

    def _wait(self) -> None:
        if self.device == "cuda":
            self.torch.cuda.synchronize()
