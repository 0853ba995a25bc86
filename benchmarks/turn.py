"""The check before each turn while nothing is to be compacted, beside LangChain's, on the same messages."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks import Contest, Skipped, Table
from benchmarks._conversation import messages
from benchmarks._stopwatch import Step, Stopwatch, milliseconds, race, timed, times
from context_compaction import Budget, Message, Session, SQLiteArchive
from context_compaction.archive import AppendBatch
from context_compaction.archive.records import StoredMessage
from context_compaction.archive.sql import log, search
from context_compaction.counting import TiktokenCounter, TokenCounter
from context_compaction.groups import Pairing
from context_compaction.render import Renderer, RenderOptions
from context_compaction.text.features import features_of
from context_compaction.view import LogRecord, LogWindow, View

SIZES, REPETITIONS = (100, 1000, 10_000), 60
HUGE = 10**9
"""A window that nothing here fills."""
TURN, APPEND, CONTEXT = "append + context", "  append of one message", "  context after it"
READ, PLACE, COUNT = "  part: read the chat dict", "  part: place, find features", "  part: count tokens"
WRITE, ANALYSE = "  part: archive write", "    of which encoding, search terms"
PUSH, LIST = "  part: render", "  part: list of the context"
ALONE, FILE = "context alone", "append + context, on a file"
SUMMARIZATION = "SummarizationMiddleware"
HALF, UNTRIGGERED = "trim_messages to 50 %", "trim_messages, nothing to do"
ROWS = (TURN, APPEND, CONTEXT, READ, PLACE, COUNT, WRITE, ANALYSE, PUSH, LIST, ALONE, FILE)
PEERS = (SUMMARIZATION, HALF, UNTRIGGERED)
TARGETS = {(SUMMARIZATION, TURN): "15x", (SUMMARIZATION, ALONE): "100x"}


def run(data: Path | None, *, quick: bool = False) -> Table:  # noqa: ARG001 - the conversation is made here
    """Medians in milliseconds, by length of the conversation."""
    sizes, repetitions = ((8, 16), 2) if quick else (SIZES, REPETITIONS)
    counter = TiktokenCounter()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        talks = [_Talk(size, counter, Path(folder), opened) for size in sizes]
        watch = race([step for talk in talks for step in talk.steps()], repetitions)

    def ratios(peer: str, ours: str) -> list[str]:
        return [times(watch[peer, size] / watch[ours, size]) for size in sizes]

    rows = [_row(name, [watch[name, size] for size in sizes]) for name in (*ROWS, *PEERS)]
    rows += [
        [f"{peer} / {ours}", *ratios(peer, ours), "", TARGETS.get((peer, ours), "")]
        for ours in (TURN, ALONE)
        for peer in PEERS
    ]
    return Table(
        "A turn under the trigger: median ms by messages in the conversation",
        ("", *map(str, sizes), "last / first", "target"),
        rows,
        [
            f"{repetitions} repetitions each; archive in :memory: if no file is named; {counter.name}",
            "all lengths and contenders in one run, each round in another order: caches are as cold for all",
            "parts run one by one on their own archive; append also stages, checks and holds the session",
            "SummarizationMiddleware.before_model counts what it is given; appending is not in its time",
            "targets: the turn grows by 2x at most; the ratios hold at the longest conversation",
        ],
        [Contest(ours, PEERS, less=list(map(str, sizes))) for ours in (TURN, ALONE)],
    )


def _row(name: str, values: Sequence[float]) -> list[object]:
    target = "2x" if name == TURN else ""
    return [name, *map(milliseconds, values), times(values[-1] / values[0]), target]


class _Talk:
    """One conversation in everybody's hands; each round begins with its next message."""

    def __init__(self, size: int, counter: TokenCounter, folder: Path, opened: ExitStack) -> None:
        self._size, self._stream = size, messages()
        said = list(islice(self._stream, size))
        self._memory, self._durable = (
            opened.enter_context(Session(place, budget=Budget(context_window=HUGE), counter=counter))
            for place in (":memory:", folder / f"{size}.db")
        )
        self._memory.append(said)
        self._durable.append(said)
        self._parts = _Parts(said, counter, size)
        self._peers = _peers(said, size)

    def steps(self) -> list[Step]:
        return [
            self._turn,
            timed((ALONE, self._size), self._memory.context),
            self._on_file,
            lambda watch: self._parts.step(next(self._stream), watch),
            *self._peers,
        ]

    def _turn(self, watch: Stopwatch) -> None:
        fresh = [next(self._stream)]
        watch.start()
        self._memory.append(fresh)
        append = watch.lap((APPEND, self._size))
        self._memory.context()
        context = watch.lap((CONTEXT, self._size))
        watch.times[TURN, self._size].append(append + context)

    def _on_file(self, watch: Stopwatch) -> None:
        fresh = [next(self._stream)]
        watch.start()
        self._durable.append(fresh)
        self._durable.context()
        watch.lap((FILE, self._size))


class _Parts:
    """What an append does, one after the other, as `Session` has it done."""

    def __init__(self, said: Sequence[dict[str, Any]], counter: TokenCounter, size: int) -> None:
        self._counter, self._size = counter, size
        self._archive = SQLiteArchive()
        self._branch = self._archive.open_session("benchmarks", "parts").branch
        self._pairing = Pairing()
        self._renderer = Renderer(View(), LogWindow({}, 0), {}, counter, RenderOptions())
        self._last = 0
        for data in said:
            self.step(data, Stopwatch())

    def step(self, data: dict[str, Any], watch: Stopwatch) -> None:
        watch.start()
        message = Message.from_openai(data)
        watch.lap((READ, self._size))
        placement = self._pairing.place(self._last + 1, message)
        features = features_of(message)
        watch.lap((PLACE, self._size))
        tokens = self._counter.message(message)
        watch.lap((COUNT, self._size))
        row = StoredMessage(
            self._last + 1, message, placement.group, placement.kind, tokens, self._counter.name, features
        )
        answered = ((placement.answers, row.seq),) if placement.answers else ()
        batch = AppendBatch(self._last, (row,), placement.opened, placement.closed, answered)
        record = LogRecord(row.seq, message, row.group, row.kind, message, tokens, features)
        watch.start()
        for prepared in log.prepare([row]):
            search.message_entry(prepared)
        watch.lap((ANALYSE, self._size))
        self._archive.append(self._branch, batch)
        watch.lap((WRITE, self._size))
        self._renderer.push(record)
        watch.lap((PUSH, self._size))
        list(self._renderer.messages)
        watch.lap((LIST, self._size))
        self._last += 1


def _peers(said: Sequence[dict[str, Any]], size: int) -> list[Step]:
    try:
        from langchain.agents.middleware import SummarizationMiddleware
        from langchain_core.language_models.fake_chat_models import FakeListChatModel
        from langchain_core.messages import convert_to_messages, trim_messages
        from langchain_core.messages.utils import count_tokens_approximately
    except ImportError:
        raise Skipped("langchain is not installed, so there is nothing to compare with") from None
    state: Any = {"messages": convert_to_messages(said)}
    middleware = SummarizationMiddleware(FakeListChatModel(responses=["summary"]), trigger=("tokens", HUGE))
    half = count_tokens_approximately(state["messages"]) // 2

    def trim(limit: int) -> Callable[[], object]:
        return lambda: trim_messages(
            state["messages"], strategy="last", token_counter=count_tokens_approximately, max_tokens=limit
        )

    runtime: Any = None
    return [
        timed((SUMMARIZATION, size), lambda: middleware.before_model(state, runtime)),
        timed((HALF, size), trim(half)),
        timed((UNTRIGGERED, size), trim(HUGE)),
    ]
