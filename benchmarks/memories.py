"""A turn of a chain, `save_context` and `load_memory_variables`, beside LangChain's classic memories."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks import Contest, Skipped, Table
from benchmarks._conversation import messages
from benchmarks._stopwatch import Step, Stopwatch, milliseconds, race, times

SIZES, REPETITIONS = (100, 1000, 4000), 30
LIMIT = 2000
"""Tokens that the memories show; LangChain's default."""
OURS, FILE, SLOW = "ours, a turn", "ours, a turn, on a file", "ours, a turn, 95th percentile"
FIRST = "ours, taking up the history, its first turn included"
BUFFER, TOKENS, SUMMARY = (f"Conversation{name}Memory" for name in ("Buffer", "TokenBuffer", "SummaryBuffer"))
BUFFER_TURN = f"{BUFFER}, a turn"
TOKENS_TURN = f"{TOKENS}, a later turn"
SUMMARY_PRUNE, SUMMARY_TURN = f"{SUMMARY}, prune", f"{SUMMARY}, a later turn"
ROWS = (OURS, FILE, SLOW, FIRST, BUFFER_TURN, SUMMARY_PRUNE, SUMMARY_TURN, TOKENS_TURN)
TARGET = 1000
"""So many times faster than the summary buffer's prune at the largest size."""


def run(data: Path | None, *, quick: bool = False) -> Table:  # noqa: ARG001 - the conversation is made here
    """Medians in milliseconds, by the length of the conversation so far. Theirs prune once a size."""
    sizes, repetitions = ((8, 16), 2) if quick else (SIZES, REPETITIONS)
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        once = Stopwatch()
        list(_contenders(50, Path(folder), Stopwatch(), opened))  # loads what is loaded once
        steps = [step for size in sizes for step in _contenders(size, Path(folder), once, opened)]
        watch = race(steps, repetitions)
    for size in sizes:
        once.times[SLOW, size].append(watch.percentile((OURS, size), 95))
    watch.times.update(once.times)
    rows: list[list[object]] = [[name, *(milliseconds(watch[name, size]) for size in sizes)] for name in ROWS]
    ratios = [watch[SUMMARY_PRUNE, size] / watch[OURS, size] for size in sizes]
    rows.append([f"{SUMMARY}'s prune / ours", *map(times, ratios)])
    notes = [
        f"target: {TARGET}x at {sizes[-1]:,} messages",
        f"limit {LIMIT} tokens, so that ours compacts in more than half of these turns",
        "all have the same model, which answers at once; ours counts with tiktoken, theirs by characters",
        "theirs counts as LangChain's base class does; a model that overrides that prunes faster",
    ]
    title = f"A turn of a chain's memory: ms, medians of {repetitions}"
    columns = [f"{size:,} messages" for size in sizes]
    contest = Contest(OURS, (BUFFER_TURN, SUMMARY_PRUNE, SUMMARY_TURN, TOKENS_TURN), less=columns)
    return Table(title, ["what", *columns], rows, notes, [contest])


def _contenders(size: int, folder: Path, once: Stopwatch, opened: ExitStack) -> Iterator[Step]:
    """Each with a conversation of its own, all the same, and with what happens only once behind it."""
    try:
        from langchain_classic.memory import (
            ConversationBufferMemory,
            ConversationSummaryBufferMemory,
            ConversationTokenBufferMemory,
        )

        from langchain_compaction import ConversationCompactionMemory
    except ImportError:
        raise Skipped("langchain-classic is not installed, so there is nothing to compare with") from None
    warnings.simplefilter("ignore")  # theirs are deprecated, and say so again once they are imported
    options: dict[str, Any] = {"llm": _model(), "max_token_limit": LIMIT}
    for name, place in ((OURS, ":memory:"), (FILE, folder / f"{size}.db")):
        talk = _Talk(size)
        once.start()
        memory = ConversationCompactionMemory.from_messages(talk.said, archive=place, **options)
        opened.enter_context(closing(memory))
        talk.turn(memory)
        once.lap((FIRST if name == OURS else None, size))
        yield talk.step((name, size), memory)
    talk = _Talk(size)
    yield talk.step((BUFFER_TURN, size), ConversationBufferMemory(chat_memory=talk.history()))
    talk = _Talk(size)
    pruned: Any = ConversationSummaryBufferMemory(chat_memory=talk.history(), **options)
    once.start()
    pruned.prune()
    once.lap((SUMMARY_PRUNE, size))
    yield talk.step((SUMMARY_TURN, size), pruned)
    # The token buffer's first turn over a history is the same loop: measured once is enough.
    yield _Talk(size).step((TOKENS_TURN, size), ConversationTokenBufferMemory(**options))


class _Talk:
    """What was said so far, in LangChain's messages, and what will be."""

    def __init__(self, size: int) -> None:
        from langchain_core.messages import AIMessage, HumanMessage

        self._stream = (message["content"] for message in messages() if message["role"] in ("user", "tool"))
        kinds = (HumanMessage, AIMessage)
        self.said = [kinds[place % 2](text) for place, text in enumerate(islice(self._stream, size))]

    def history(self) -> Any:
        from langchain_core.chat_history import InMemoryChatMessageHistory

        return InMemoryChatMessageHistory(messages=list(self.said))

    def turn(self, memory: Any) -> None:
        memory.save_context({"input": next(self._stream)}, {"output": next(self._stream)})
        memory.load_memory_variables({})

    def step(self, name: tuple[str, int], memory: Any) -> Step:
        def step(watch: Stopwatch) -> None:
            inputs, outputs = {"input": next(self._stream)}, {"output": next(self._stream)}
            watch.start()
            memory.save_context(inputs, outputs)
            memory.load_memory_variables({})
            watch.lap(name)

        return step


def _model() -> Any:
    """Answers at once. Counts as LangChain's base class does, with tokens that cost nothing to make."""
    from langchain_core.language_models.fake_chat_models import FakeListChatModel

    return FakeListChatModel(
        responses=["## Current State\n- They read files and spoke of them."],
        custom_get_token_ids=lambda text: range(len(text) // 4),
    )
