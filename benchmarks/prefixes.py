"""Recorded agents through middlewares: what is sent, how much of it anew, and what is still in it."""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks import Contest, Skipped, Table
from benchmarks._requests import CACHED, EVERY, Requests

WINDOWS = {"agent_log": (32_768, 131_072), "coding": (16_384, 32_768)}
"""By folder. What is not longer than a window is not compacted by anybody."""
KEEP = 4
"""Of the trigger a quarter is kept, by all that can be told so."""
OURS, REPLACE = "ours", "ours, replace"
SUMMARIZATION, DEEP, EDITING = "Summarization", "deepagents", "ContextEditing"
NAMES = (OURS, REPLACE, SUMMARIZATION, DEEP, EDITING)
NOTES = (
    "a tenth of the window is kept free; trigger: .85 of the rest, in tokens; a quarter of it is kept",
    "all count with tiktoken, but ContextEditing by characters; summaries by the same extractive drafter",
    "of 100: compactions in 100 turns; changed: requests that do not begin with the one before",
    "why?: of these, so many although nothing was compacted meanwhile; sent, anew, cost: 1,000 tokens",
    f"anew: new, or behind the first change; cost: of it whole, of the rest (it was read before) {CACHED}",
    f"facts: share of the distinct hard facts said so far that stand in a request, mean of every {EVERY}th;",
    "  user's: of those in what the user said",
)
CONTEST = Contest(
    OURS,
    (SUMMARIZATION, DEEP, EDITING),
    more=("facts", "user's"),
    less=("changed", "why?", "sent", "anew", "cost"),
    names=1,
    within=(0,),
)
COLUMNS = (
    *("window", "middleware", "compacted", "of 100", "changed", "why?"),
    *("sent", "anew", "cost", "facts", "user's"),
)


def run(data: Path | None, *, quick: bool = False) -> Table:
    """Every model request; one trigger for all of a window."""
    talks = list(_talks(data)) if data is not None else []
    if not talks:
        raise Skipped(f"no conversations in {' or '.join(WINDOWS)}: name a folder with --data DIR")
    rows: list[list[object]] = []
    notes: list[str] = []
    for talk in talks:
        windows: Sequence[int] = (4096,) if quick else WINDOWS[talk.name]
        requests = list(_requests(talk.messages[: 120 if quick else None]))
        turns = sum(message["role"] == "user" for message in talk.messages)
        notes.append(f"{talk.name}: {len(talk.messages)} messages, {len(requests)} requests, {turns} turns")
        for window, name in product(windows, NAMES):
            seen = _driven(name, window, talk.prompt, requests)
            rows.append([f"{talk.name} {window:,}", name, *_cells(seen, turns)])
    return Table("Recorded agents, request by request", COLUMNS, rows, (*notes, *NOTES), [CONTEST])


def _cells(seen: Requests, turns: int) -> list[object]:
    return [
        seen.compactions,
        f"{100 * seen.compactions / turns:.1f}",
        seen.changed,
        seen.unexplained,
        *(f"{tokens / 1000:,.0f}" for tokens in (seen.tokens, seen.anew, seen.cost)),
        *(f"{mean(shares):.2f}" if shares else "-" for shares in (seen.kept, seen.users)),
    ]


@dataclass(frozen=True, slots=True)
class Talk:
    """A recorded conversation."""

    name: str
    messages: Sequence[dict[str, Any]]

    @property
    def prompt(self) -> str | None:
        """What its system messages say."""
        return "\n".join(str(each["content"]) for each in self.messages if each["role"] == "system") or None


def _talks(data: Path) -> Iterator[Talk]:
    for folder in WINDOWS:
        for file in sorted((data / folder).glob("*.json"))[:1]:
            yield Talk(folder, json.loads(file.read_text(encoding="utf-8"))["messages"])


def _requests(messages: Sequence[dict[str, Any]]) -> Iterator[tuple[list[Any], Any]]:
    """What is new before each answer, and the answer."""
    from langchain_core.messages import AIMessage, convert_to_messages

    keys = {"role", "content", "tool_calls", "tool_call_id", "name"}
    plain = [
        {key: value for key, value in each.items() if key in keys and value is not None}
        | {"content": each.get("content") or ""}
        for each in messages
        if each["role"] != "system"
    ]
    new: list[Any] = []
    for place, message in enumerate(convert_to_messages(plain)):  # pyright: ignore[reportArgumentType]
        message.id = f"i{place}"
        if isinstance(message, AIMessage) and new:
            yield new, message
            new = []
        else:
            new.append(message)


def _driven(name: str, window: int, prompt: str | None, requests: Sequence[Any]) -> Requests:
    from langchain.agents import create_agent
    from langgraph.checkpoint.memory import InMemorySaver

    seen, thread, trigger = Requests(), {"configurable": {"thread_id": "t1"}}, int(0.85 * 0.9 * window)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        middleware, compacted = _made(name, window, trigger, Path(folder), seen.count)
        model = _recorded(lambda sent: seen.send(sent, compacted()))
        agent: Any = create_agent(
            model,
            [_nothing],
            system_prompt=prompt,
            middleware=[middleware],
            checkpointer=InMemorySaver(),
            interrupt_before=["tools"],  # the recording has the results
        )
        for new, answer in requests:
            model.answer = answer
            seen.say(new)
            agent.invoke({"messages": [message.model_copy() for message in new]}, thread)
            seen.say([answer])
    return seen


def _nothing(what: str) -> str:
    """Never called."""
    return what


def _recorded(note: Any) -> Any:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.outputs import ChatGeneration, ChatResult

    class Recorded(BaseChatModel):
        answer: Any = None

        @property
        def _llm_type(self) -> str:
            return "recorded"

        def bind_tools(self, *_: Any, **__: Any) -> Any:
            return self

        def _generate(self, messages: Any, *_: Any, **__: Any) -> ChatResult:
            note(messages)
            return ChatResult(generations=[ChatGeneration(message=self.answer.model_copy())])

    return Recorded()


def _made(
    name: str, window: int, trigger: int, folder: Path, count: Callable[..., int]
) -> tuple[Any, Callable[[], int]]:
    """The middleware, and what says how often it has compacted."""
    from langchain_compaction import CompactionMiddleware, as_summarizer

    size, keep = ("tokens", trigger), ("tokens", trigger // KEEP)
    if name in (OURS, REPLACE):
        events: list[Any] = []
        ours = CompactionMiddleware(
            max_input_tokens=window,
            reserve_tokens=window // 10,
            trigger=size,
            keep=keep,
            observers=[events.append],
            mode="replace" if name == REPLACE else "view",
            archive=":memory:",
        )
        return ours, lambda: sum(event.committed for event in events)
    if name == EDITING:
        from langchain.agents.middleware import ClearToolUsesEdit, ContextEditingMiddleware

        return ContextEditingMiddleware(edits=[ClearToolUsesEdit(trigger=trigger)]), lambda: 0
    calls: list[int] = []
    write = as_summarizer()

    def summarizer(messages: Any) -> str:
        calls.append(1)
        return write.invoke(messages)

    model = _recorded(lambda _: None)
    options: dict[str, Any] = {
        "trigger": size,
        "keep": keep,
        "summarizer": summarizer,
        "token_counter": count,
        "trim_tokens_to_summarize": None,
    }
    if name == DEEP:
        from deepagents.backends import FilesystemBackend
        from deepagents.middleware.summarization import SummarizationMiddleware as Deep

        return Deep(
            model, backend=FilesystemBackend(root_dir=folder, virtual_mode=True), **options
        ), lambda: len(calls)
    from langchain.agents.middleware import SummarizationMiddleware

    return SummarizationMiddleware(model, **options), lambda: len(calls)
