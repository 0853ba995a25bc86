"""Training of the tiny drafter on one CPU thread: `python -m training.tiny.train --out FOLDER --minutes 40`.

Short conversations first, longer ones as the loss falls; a batch has about the same number of tokens
whatever their length. A run that was stopped goes on from its last checkpoint with the same command.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
import transformers
from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

from training.tiny.language import Example, distill_example, summary_example
from training.tiny.model import WINDOW, new_model, new_tokenizer
from training.tiny.tree import Batch, Tree, batch_of, loss_of, tree_of

LEVELS = ((1, 3), (2, 4), (2, 5), (2, 6), (2, 6), (2, 7))
"""Messages of a conversation, least and most; longer than the window is left out."""
ADVANCE = 0.1
"""Loss at which the next level begins; it begins anyhow when its tenth of the time has come."""
TOKENS = (3000, 3000, 6000)
"""Of a batch, by level; the last holds for the rest. Small steps are enough while things are short."""
DISTILLED = 0.2
"""Share of distill requests."""
CHECKPOINT, DRAFTER = "training.pt", "drafter"
WARM_UP = 50
POOL = 64

transformers.logging.disable_progress_bar()


@dataclass(slots=True)
class Progress:
    """How far a run is."""

    step: int = 0
    seconds: float = 0.0
    level: int = 0
    loss: float = math.log(1024)
    """Smoothed."""


class Run:
    """Model, optimisers and progress, on disk and off it."""

    def __init__(
        self, folder: Path, *, seed: int, minutes: float, rate: float, batch_share: float = 1.0
    ) -> None:
        torch.manual_seed(seed)
        self.folder = folder
        self.batch_share = batch_share
        self.minutes = minutes
        self.rate = rate
        known = (folder / CHECKPOINT).exists()
        self.tokenizer = (
            PreTrainedTokenizerFast.from_pretrained(folder / DRAFTER) if known else new_tokenizer(seed)
        )
        self.model = new_model(self.tokenizer)
        self.model.set_attn_implementation("tree")
        self.model.train()
        self.rng = Random(seed)
        self.progress = Progress()
        self.optimisers = _optimisers(self.model)
        self._waiting: list[list[Tree]] = []
        if known:
            self._resume(torch.load(folder / CHECKPOINT, weights_only=False))

    def share(self) -> float:
        """Of the time, 0 to 1."""
        return min(1.0, self.progress.seconds / (60 * self.minutes))

    def step(self) -> None:
        """One batch."""
        began = time.perf_counter()
        for optimiser, rate in zip(self.optimisers, (self.rate, self.rate / 2), strict=True):
            for group in optimiser.param_groups:
                group["lr"] = rate * self._schedule()
        with torch.autocast("cpu", torch.bfloat16):
            loss = loss_of(self.model, self._batch())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimiser in self.optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        progress = self.progress
        progress.step += 1
        progress.loss += (loss.item() - progress.loss) * max(0.03, 1 / progress.step)
        due = progress.loss < ADVANCE or progress.level < 10 * self.share() - 1
        if due and progress.level < len(LEVELS) - 1:
            progress.level += 1
            progress.loss = 2 * ADVANCE
            self._waiting.clear()
        progress.seconds += time.perf_counter() - began

    def save(self) -> None:
        """The checkpoint, and the model as it ships: bf16, with its tokenizer."""
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {
            "model": self.model.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "progress": asdict(self.progress),
            "rng": self.rng.getstate(),
        }
        torch.save(state, self.folder / CHECKPOINT)
        shipped = new_model(self.tokenizer)
        shipped.load_state_dict(self.model.state_dict())
        shipped.to(torch.bfloat16).save_pretrained(self.folder / DRAFTER)  # type: ignore[arg-type]
        self.tokenizer.save_pretrained(self.folder / DRAFTER)

    def _resume(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.progress = Progress(**state["progress"])
        self.rng.setstate(state["rng"])

    def _schedule(self) -> float:
        """Up at first, level, and down to next to nothing over the last three quarters of the time."""
        return min(1.0, (self.progress.step + 1) / WARM_UP) * max(0.02, min(1.0, (1 - self.share()) / 0.75))

    def _batch(self) -> Batch:
        if not self._waiting:
            self._waiting = self._sorted()
        return batch_of(self._waiting.pop(), self.tokenizer.pad_token_id)

    def _sorted(self) -> list[list[Tree]]:
        """The trees of several batches, like with like so that little is padding, batches in any order."""
        tokens = self.batch_share * TOKENS[min(self.progress.level, len(TOKENS) - 1)]
        trees = sorted((self._tree() for _ in range(POOL)), key=lambda tree: tree.length)
        batches: list[list[Tree]] = [[]]
        for tree in trees:
            if (len(batches[-1]) + 1) * tree.length > tokens:
                batches.append([])
            batches[-1].append(tree)
        self.rng.shuffle(batches)
        return batches

    def _tree(self) -> Tree:
        """Mostly of the present level, now and then an easier one, so that nothing learnt is lost."""
        reached = self.progress.level
        while True:
            level = reached if self.rng.random() < 0.8 else self.rng.randint(0, reached)
            tree = tree_of(self.tokenizer, example(self.rng, level)).thinned(self.rng)
            if tree.longest <= WINDOW:
                return tree


def example(rng: Random, level: int) -> Example:
    """Something to learn from, of about this difficulty."""
    least, most = LEVELS[level]
    if rng.random() < DISTILLED:
        return distill_example(rng, rng.randint(2, min(2 + level, 5)))
    return summary_example(rng, rng.randint(least, most))


def _optimisers(model: Qwen3ForCausalLM) -> list[torch.optim.Optimizer]:
    """Muon for the matrices, AdamW for embeddings and norms."""
    matrices = [each for name, each in model.named_parameters() if each.ndim == 2 and "embed" not in name]
    others = [each for name, each in model.named_parameters() if each.ndim != 2 or "embed" in name]
    return [
        torch.optim.Muon(matrices, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, betas=(0.9, 0.98), weight_decay=0.01),
    ]


def train(run: Run, *, steps: int | None = None, every: float = 300.0) -> Iterator[Progress]:
    """Train until the time (or that many steps) is over, saving ``every`` so many seconds."""
    saved = run.progress.seconds
    while run.share() < 1 and (steps is None or run.progress.step < steps):
        run.step()
        yield run.progress
        if run.progress.seconds - saved > every:
            run.save()
            saved = run.progress.seconds
    run.save()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--steps", type=int, default=None)
    options = parser.parse_args()
    torch.set_num_threads(1)
    run = Run(options.out, seed=options.seed, minutes=options.minutes, rate=options.rate)
    for progress in train(run, steps=options.steps):
        if progress.step % 25 == 0:
            print(
                f"step {progress.step}  {progress.seconds / 60:.1f} min  level {progress.level}"
                f"  loss {progress.loss:.4f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
