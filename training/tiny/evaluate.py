"""How well the tiny drafter does on conversations it never saw: `python -m training.tiny.evaluate [FOLDER]`.

Through `from_pretrained` and plain `generate`, prompt by prompt as a drafter would send them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast

from training.tiny.language import Example, distill_example, summary_example
from training.tiny.tree import prompts_of, tree_of

SHIPPED = Path(__file__).parents[2] / "context_compaction" / "demo" / "tiny"
HELD_OUT = 1_000_003
"""Seed of the evaluation; training draws from small seeds."""
MESSAGES = (2, 3, 5)
"""Of a conversation with many facts: two is what the window holds beside the instructions."""
MAX_NEW = 200


@dataclass(slots=True)
class Score:
    """Sums over requests."""

    requests: int = 0
    sections: int = 0
    exact: int = 0
    facts: int = 0
    copied: int = 0
    invented: int = 0
    """Lines that no answer has."""
    stopped: int = 0

    def add(self, wanted: str, written: str, *, stopped: bool) -> None:
        """One section: what was wanted, what was written."""
        want, got = _lines(wanted), _lines(written)
        self.sections += 1
        self.exact += want == got
        self.facts += len(want)
        self.copied += sum(line in got for line in want)
        self.invented += sum(line not in want for line in got)
        self.stopped += stopped

    def row(self, name: str) -> str:
        """A line of the table."""
        copied = self.copied / self.facts if self.facts else 1.0
        return (
            f"| {name} | {self.requests} | {self.copied} of {self.facts} ({copied:.1%}) "
            f"| {self.exact / max(1, self.sections):.1%} | {self.invented} "
            f"| {self.stopped / max(1, self.sections):.1%} |"
        )


COLUMNS = (
    "range",
    "requests",
    "facts copied exactly",
    "sections exact",
    "invented lines",
    "stopped by itself",
)


@dataclass(frozen=True, slots=True)
class Drafted:
    """A drafter loaded as everybody loads one."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast

    @classmethod
    def load(cls, folder: Path) -> Drafted:
        """From a folder, in the precision it ships in."""
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        return cls(model, AutoTokenizer.from_pretrained(folder))

    @torch.no_grad()
    def write(self, example: Example) -> list[tuple[str, bool]]:
        """The text of each section, and whether it came to its end by itself."""
        prompts = prompts_of(self.tokenizer, example.request)
        inputs = self.tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False)
        out = self.model.generate(**inputs, max_new_tokens=MAX_NEW, do_sample=False)
        new = out[:, inputs["input_ids"].shape[1] :]
        return [
            (
                self.tokenizer.decode(row, skip_special_tokens=True).strip(),
                bool((row == self.tokenizer.eos_token_id).any()),
            )
            for row in new
        ]


def scored(drafter: Drafted, examples: Iterable[Example]) -> Score:
    """All of them."""
    score = Score()
    for example in examples:
        score.requests += 1
        for section, (text, stopped) in zip(example.request.sections, drafter.write(example), strict=True):
            score.add(example.answers.get(section.key, "none"), text, stopped=stopped)
    return score


def dense(count: int, requests: int) -> Iterator[Example]:
    """Held-out conversations of so many messages, most of which hold a fact."""
    rng = Random(f"{HELD_OUT} {count}")
    return (summary_example(rng, count, rate=0.6) for _ in range(requests))


def held_out(tokenizer: PreTrainedTokenizerFast, count: int, bounds: tuple[int, int]) -> Iterator[Example]:
    """Requests to distil whose longest prompt lies within ``bounds``."""
    rng = Random(f"{HELD_OUT} {bounds} True")
    found = 0
    while found < count:
        example = distill_example(rng, rng.randint(2, 5))
        if bounds[0] < tree_of(tokenizer, example).longest <= bounds[1]:
            found += 1
            yield example


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip() and line != "none"]


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=SHIPPED)
    parser.add_argument("--requests", type=int, default=40, help="of each length")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    drafter = Drafted.load(options.folder)
    print(f"| {' | '.join(COLUMNS)} |")
    print("|---" * len(COLUMNS) + "|")
    for count in MESSAGES:
        score = scored(drafter, dense(count, options.requests))
        print(score.row(f"{count} messages"), flush=True)
    window = int(drafter.tokenizer.model_max_length)
    few = max(1, options.requests // 3)  # few summaries are as short as the window
    score = scored(drafter, held_out(drafter.tokenizer, few, (200, window)))
    print(score.row("summaries to distil"), flush=True)


if __name__ == "__main__":
    main()
