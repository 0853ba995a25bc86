"""What a middleware costs at a model call, by the messages in the agent's state, beside LangChain's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
SUMMARIZATION, EDITING, DEEP = "SummarizationMiddleware", "ContextEditingMiddleware", "deepagents"
ROWS = (OURS, COMPACTED, ANEW, SUMMARIZATION, EDITING, DEEP)
TARGET = 15
"""So many times less than SummarizationMiddleware at the largest size."""
Hook = Callable[[list[Any]], object]


def run(data: Path | None, *, quick: bool = False) -> Table:  # noqa: ARG001 - the conversation is made here
    """Medians in milliseconds of the hook itself; the model answers at once."""
    sizes, repetitions = ((8, 16), 2) if quick else (SIZES, REPETITIONS)
    watches = [race(list(_steps(size)), repetitions) for size in sizes]
    rows: list[list[object]] = [[name, *(milliseconds(watch[name]) for watch in watches)] for name in ROWS]
    rows += [
        [f"{SUMMARIZATION} / {name}", *(times(watch[SUMMARIZATION] / watch[name]) for watch in watches)]
        for name in (OURS, COMPACTED)
    ]
    notes = [
        f"target: {TARGET}x at {sizes[-1]:,} messages",
        f"{GROWTH} messages are new at each call; ours archives them (in memory) and counts with tiktoken",
        "theirs count by characters, none of them over its trigger; they keep nothing",
    ]
    title = f"A model call's overhead: ms, medians of {repetitions}"
    columns = [f"{size:,} messages" for size in sizes]
    contest = Contest(OURS, (SUMMARIZATION, EDITING, DEEP), less=columns)
    return Table(title, ["what", *columns], rows, notes, [contest])


def _steps(size: int) -> Iterator[Step]:
    for name, hook in _hooks().items():
        yield _Growing(name, size, hook).step


class _Growing:
    """A state with two messages more each time, as a reducer gives it: another list of the same objects."""

    def __init__(self, name: str, size: int, hook: Hook) -> None:
        from langchain_core.messages import convert_to_messages

        talk = ({**message, "id": f"i{place}"} for place, message in enumerate(messages()))
        self._name, self._hook, self._talk, self._convert = name, hook, talk, convert_to_messages
        self._state = convert_to_messages(list(islice(talk, size)))  # pyright: ignore[reportArgumentType]
        hook(list(self._state))

    def step(self, watch: Stopwatch) -> None:
        self._state += self._convert(list(islice(self._talk, GROWTH)))  # pyright: ignore[reportArgumentType]
        if self._name == ANEW:
            self._state = [message.model_copy(deep=True) for message in self._state]
        state = list(self._state)
        watch.start()
        self._hook(state)
        watch.lap(self._name)


def _hooks() -> dict[str, Hook]:
    try:
        from deepagents.backends import StateBackend
        from deepagents.middleware.summarization import create_summarization_middleware
        from langchain.agents.middleware import (
            ClearToolUsesEdit,
            ContextEditingMiddleware,
            SummarizationMiddleware,
        )
        from langchain_core.language_models import FakeListChatModel
    except ImportError as error:
        raise Skipped(f"{error.name} is not installed, so there is nothing to compare with") from None
    model: Any = FakeListChatModel(responses=[""], profile={"max_input_tokens": WHOLE})
    summarization: Any = SummarizationMiddleware(model, trigger=("tokens", WHOLE))
    editing = ContextEditingMiddleware(edits=[ClearToolUsesEdit(trigger=WHOLE)])
    deep = create_summarization_middleware(model, StateBackend())
    return {
        OURS: _ours(model, WHOLE),
        COMPACTED: _ours(model, SHORT),
        ANEW: _ours(model, WHOLE),
        SUMMARIZATION: lambda state: summarization.before_model({"messages": state}, None),
        EDITING: _wrapping(model, editing),
        DEEP: _wrapping(model, deep),
    }


def _ours(model: Any, window: int) -> Hook:
    from langchain_compaction import CompactionMiddleware

    return _wrapping(model, CompactionMiddleware(max_input_tokens=window, reserve_tokens=window // 10))


def _wrapping(model: Any, middleware: Any) -> Hook:
    from langchain.agents.middleware import ModelRequest, ModelResponse
    from langchain_core.messages import AIMessage
    from langchain_core.runnables.config import set_config_context

    answer = ModelResponse([AIMessage("Yes.")])

    def hook(state: list[Any]) -> None:
        request = ModelRequest(model=model, messages=state, state={"messages": state})
        with set_config_context({"configurable": {"thread_id": "t1"}}) as context:
            context.run(middleware.wrap_model_call, request, lambda _: answer)

    return hook
