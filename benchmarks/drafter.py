"""The tiny drafter on one CPU thread: many histories at once, and many sections, against a pipeline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any

from benchmarks import Contest, Skipped, Table
from benchmarks._drafter_model import libraries
from benchmarks._stopwatch import Stopwatch, milliseconds, race, timed, times

ROUNDS = 3
NEW = 96
"""Tokens that an answer may have; the model ends by itself before that."""
MANY = (8, 32)
MESSAGES = 4
"""Of a conversation: what the tiny drafter's window holds."""


def run(data: Path | None, *, quick: bool = False) -> Table:  # noqa: ARG001 - the conversations are made up
    """A row a way of writing the same answers; all ways are checked to write them equal."""
    torch, transformers = libraries()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        rows = [
            row for count in ((2,) if quick else MANY) for row in _histories(count, 1 if quick else ROUNDS)
        ]
        rows += _sections(1 if quick else ROUNDS)
    finally:
        torch.set_num_threads(threads)
    notes = [
        f"torch {torch.__version__}, transformers {transformers.__version__}, one thread, median of {ROUNDS}",
        "the tiny drafter that ships, greedy, ends by itself; every way writes the same texts (checked)",
    ]
    contests = [
        Contest(mine, [f"pipeline, {theirs}"], less=["ms"], names=1, within=(0,))
        for mine, theirs in (("ours, all at once", "one by one"), ("ours, side by side", "one after another"))
    ]
    return Table(
        "The local drafter on a CPU", ("what", "way", "ms", "to the first way"), rows, notes, contests
    )


def _histories(count: int, rounds: int) -> list[list[str]]:
    """The summaries of so many conversations, seven sections each: a pipeline's way, and all at once."""
    ready = _ready()
    shared = [_prompts(ready, seed) for seed in range(count)]
    piped = _pipeline(ready)
    decode = ready.writer.chat.tokenizer.decode
    texts = [decode(ids) for each in shared for ids in _whole(each)]
    ways: dict[str, Callable[[], list[str]]] = {
        "pipeline, one by one": lambda: [piped(text) for text in texts],
        "ours, all at once": lambda: _written(ready, shared),
    }
    return _raced(f"{count} histories, 7 sections each", ways, rounds)


def _sections(rounds: int) -> list[list[str]]:
    """The seven sections of one conversation: one after another, and side by side over one prefill."""
    ready = _ready()
    shared = _prompts(ready, 5)
    whole = _whole(shared)
    piped = _pipeline(ready)
    texts = [ready.writer.chat.tokenizer.decode(ids) for ids in whole]
    ways: dict[str, Callable[[], list[str]]] = {
        "ours, one after another": lambda: [_written(ready, [(ids[:-1], [ids[-1:]])])[0] for ids in whole],
        "pipeline, one after another": lambda: [piped(text) for text in texts],
        "ours, side by side": lambda: _written(ready, [shared]),
    }
    return _raced("7 sections of one history", ways, rounds)


def _raced(what: str, ways: dict[str, Callable[[], list[str]]], rounds: int) -> list[list[str]]:
    expected = next(iter(ways.values()))()
    for name, way in ways.items():
        assert way() == expected, f"{name} writes something else"
    assert any(text != "none" for text in expected), "nothing was written"
    watch: Stopwatch = race([timed(name, way) for name, way in ways.items()], rounds, warm_up=1)
    first = watch[next(iter(ways))]
    return [[what, name, milliseconds(watch[name]), times(first / watch[name])] for name in ways]


def _ready() -> Any:
    from context_compaction import TransformersDrafter

    return TransformersDrafter(_weights(), mode="sections", device="cpu")._ready()  # noqa: SLF001 - its parts


def _weights() -> Path:
    path = Path(str(files("context_compaction.demo") / "tiny"))
    if not (path / "model.safetensors").is_file():
        raise Skipped("the tiny drafter's weights are missing")
    return path


def _prompts(ready: Any, seed: int) -> tuple[list[int], list[list[int]]]:
    """Section prompts over a made-up conversation, as tokens: what all begin with, and their endings."""
    from training.tiny.language import summary_example

    request = summary_example(Random(seed), MESSAGES, rate=0.6).request
    return ready.writer.chat.shared_ids(*request.section_prompts())


def _whole(shared: tuple[list[int], list[list[int]]]) -> list[list[int]]:
    return [[*shared[0], *ending] for ending in shared[1]]


def _written(ready: Any, parts: Sequence[tuple[list[int], list[list[int]]]]) -> list[str]:
    from context_compaction.drafting.transformers.decoder import SharedPrompt

    prompts = [SharedPrompt(prefix, suffixes, NEW) for prefix, suffixes in parts]
    answers = ready.worker.decoding.write(prompts)
    return [ready.writer.chat.text(ids).strip() for several in answers for ids in several]


def _pipeline(ready: Any) -> Callable[[str], str]:
    """What HuggingFacePipeline.invoke calls."""
    torch, transformers = libraries()
    chat = ready.writer.chat
    config = transformers.GenerationConfig(
        max_new_tokens=NEW,
        do_sample=False,
        eos_token_id=sorted(chat.ends),
        suppress_tokens=sorted(chat.banned),
        pad_token_id=chat.tokenizer.pad_token_id,
    )
    model = transformers.AutoModelForCausalLM.from_pretrained(_weights(), dtype=torch.float32)
    pipe = transformers.pipeline("text-generation", model=model, tokenizer=chat.tokenizer)

    def write(text: str) -> str:
        made = pipe(text, generation_config=config, return_full_text=False, add_special_tokens=False)
        return made[0]["generated_text"].strip()

    return write
