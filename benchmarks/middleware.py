"""What a middleware costs at a model call, by the messages in the agent's state, beside LangChain's."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextvars import copy_context
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks import Contest, Skipped, Table
from benchmarks._conversation import messages
from benchmarks._stopwatch import Step, Stopwatch, milliseconds, race, times

SIZES, REPETITIONS = (100, 1000, 10_000), 20
GROWTH = 2
"""Messages that are new at each call: a tool call and its result, say."""
WHOLE, SHORT = 20_000_000, 131_072
"""Windows: of one that is never full, and of one that the longest state was compacted for."""
OURS, COMPACTED, ANEW = "ours", f"ours, window of {SHORT:,}", "ours, messages made anew by a checkpoint"
THEIR_COUNTER, IN_A_FILE = "ours, counting as theirs", "ours, archive in a file"
SUMMARIZATION, EDITING, DEEP = "SummarizationMiddleware", "ContextEditingMiddleware", "deepagents"
ROWS = (OURS, COMPACTED, THEIR_COUNTER, IN_A_FILE, ANEW, SUMMARIZATION, EDITING, DEEP)
TARGET = 15
"""So many times less than SummarizationMiddleware at the largest size."""
Hook = Callable[[list[Any]], Callable[[], object]]
"""Takes the state as LangGraph hands it over, and gives what is timed: no more than the middleware's own."""


def run(data: Path | None, *, quick: bool = False) -> Table:  # noqa: ARG001 - the conversation is made here
    """Medians in milliseconds of the hook itself; the model answers at once."""
    sizes, repetitions = ((8, 16), 2) if quick else (SIZES, REPETITIONS)
    with tempfile.TemporaryDirectory() as folder:
        watches = [race(list(_steps(size, Path(folder) / f"{size}.db")), repetitions) for size in sizes]
    rows = [[name, *(milliseconds(watch[name]) for watch in watches)] for name in ROWS]
    rows += [
        [f"{SUMMARIZATION} / {name}", *(times(watch[SUMMARIZATION] / watch[name]) for watch in watches)]
        for name in (OURS, COMPACTED, THEIR_COUNTER, IN_A_FILE)
    ]
    notes = [
        f"target: {TARGET}x at {sizes[-1]:,} messages",
        f"{GROWTH} messages are new at each call; ours archives them (in memory, but for one row; in a file",
        "  each call waits for the disk) and counts with tiktoken (but for one row)",
        "theirs count by characters, none of them over its trigger; they keep nothing",
    ]
    title = f"A model call's overhead: ms, medians of {repetitions}"
    columns = [f"{size:,} messages" for size in sizes]
    contest = Contest(OURS, (SUMMARIZATION, EDITING, DEEP), less=columns)
    return Table(title, ["what", *columns], rows, notes, [contest])


def _steps(size: int, file: Path) -> Iterator[Step]:
    for name, hook in _hooks(file).items():
        yield _Growing(name, size, hook).step


class _Growing:
    """A state with two messages more each time, as a reducer gives it: another list of the same objects."""

    def __init__(self, name: str, size: int, hook: Hook) -> None:
        from langchain_core.messages import convert_to_messages

        talk = ({**message, "id": f"i{place}"} for place, message in enumerate(messages()))
        self._name, self._hook, self._talk, self._convert = name, hook, talk, convert_to_messages
        self._state = convert_to_messages(list(islice(talk, size)))  # pyright: ignore[reportArgumentType]
        hook(list(self._state))()

    def step(self, watch: Stopwatch) -> None:
        self._state += self._convert(list(islice(self._talk, GROWTH)))  # pyright: ignore[reportArgumentType]
        if self._name == ANEW:
            self._state = [message.model_copy(deep=True) for message in self._state]
        call = self._hook(list(self._state))
        watch.start()
        call()
        watch.lap(self._name)


def _hooks(file: Path) -> dict[str, Hook]:
    try:
        from deepagents.backends import StateBackend
        from deepagents.middleware.summarization import create_summarization_middleware
        from langchain.agents.middleware import (
            ClearToolUsesEdit,
            ContextEditingMiddleware,
            SummarizationMiddleware,
        )
        from langchain_core.language_models import FakeListChatModel
        from langchain_core.messages.utils import count_tokens_approximately
    except ImportError as error:
        raise Skipped(f"{error.name} is not installed, so there is nothing to compare with") from None
    model: Any = FakeListChatModel(responses=[""], profile={"max_input_tokens": WHOLE})
    summarization: Any = SummarizationMiddleware(model, trigger=("tokens", WHOLE))
    editing = ContextEditingMiddleware(edits=[ClearToolUsesEdit(trigger=WHOLE)])
    deep = create_summarization_middleware(model, StateBackend())
    return {
        OURS: _ours(model, WHOLE),
        COMPACTED: _ours(model, SHORT),
        THEIR_COUNTER: _ours(model, WHOLE, token_counter=count_tokens_approximately),
        IN_A_FILE: _ours(model, WHOLE, archive=file),
        ANEW: _ours(model, WHOLE),
        SUMMARIZATION: lambda state: lambda: summarization.before_model({"messages": state}, None),
        EDITING: _wrapping(model, editing),
        DEEP: _wrapping(model, deep),
    }


def _ours(model: Any, window: int, **options: Any) -> Hook:
    from langchain_compaction import CompactionMiddleware

    return _wrapping(
        model, CompactionMiddleware(max_input_tokens=window, reserve_tokens=window // 10, **options)
    )


def _wrapping(model: Any, middleware: Any) -> Hook:
    from langchain.agents.middleware import ModelRequest, ModelResponse
    from langchain_core.messages import AIMessage
    from langchain_core.runnables.config import var_child_runnable_config

    answer = ModelResponse([AIMessage("Yes.")])

    def hook(state: list[Any]) -> Callable[[], object]:
        request = ModelRequest(model=model, messages=state, state={"messages": state})
        context = copy_context()  # LangGraph has set the run's config when it calls the hook
        context.run(var_child_runnable_config.set, {"configurable": {"thread_id": "t1"}})
        return lambda: context.run(middleware.wrap_model_call, request, lambda _: answer)

    return hook
