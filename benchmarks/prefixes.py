"""A real agent's log through middlewares: how often is what was sent sent otherwise, and how much is sent?"""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import Contest, Skipped, Table
from context_compaction import Message
from context_compaction.counting import TiktokenCounter

WINDOWS = (32_768, 131_072)
FILE = Path("agent_log")
KEEP = 4
"""Of the trigger a quarter is kept, by all that can be told so."""


def run(data: Path | None, *, quick: bool = False) -> Table:
    """Every model request of the log; one trigger for all of a window."""
    files = sorted((data / FILE).glob("*.json")) if data is not None else []
    if not files:
        raise Skipped(f"no conversations in {FILE}: name a folder with --data DIR")
    messages = json.loads(files[0].read_text())["messages"][: 120 if quick else None]
    requests, prompt = list(_requests(messages)), _prompt(messages)
    users = sum(message["role"] == "user" for message in messages)
    rows: list[list[object]] = []
    for window in (4096,) if quick else WINDOWS:
        trigger = int(0.85 * 0.9 * window)
        for name in (
            "ours",
            "ours, replace",
            "SummarizationMiddleware",
            "deepagents",
            "ContextEditingMiddleware",
        ):
            seen = _driven(name, window, trigger, prompt, requests)
            rows.append([f"{window:,}", name, *seen.cells(len(requests), users)])
    notes = [
        f"{len(messages)} messages, {len(requests)} model requests, {users} turns; a tenth is kept free",
        "trigger: .85 of the rest, in tokens; all count with tiktoken, but ContextEditing by characters",
        "summaries by the same extractive drafter; a quarter of the trigger is kept",
        "changed: the request does not begin with the one before; unexplained: nothing was compacted between",
        "tokens: what was sent in total, counted with tiktoken for all",
    ]
    columns = (
        "window",
        "middleware",
        "compactions",
        "per 100 turns",
        "changed",
        "unexplained",
        "tokens sent",
    )
    contest = Contest(
        "ours",
        ("SummarizationMiddleware", "deepagents", "ContextEditingMiddleware"),
        less=("changed", "unexplained", "tokens sent"),
        names=1,
        within=(0,),
    )
    return Table("An agent's log, request by request", columns, rows, notes, [contest])


def _prompt(messages: Sequence[dict[str, Any]]) -> str | None:
    return "\n".join(str(each["content"]) for each in messages if each["role"] == "system") or None


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


@dataclass(slots=True)
class Seen:
    """What a model was sent, and what of it changed."""

    compactions: int = 0
    changed: int = 0
    unexplained: int = 0
    tokens: int = 0
    before: list[str] = field(default_factory=list[str])
    counted: dict[str, int] = field(default_factory=dict[str, int])
    counter: Any = field(default_factory=TiktokenCounter)

    def request(self, messages: Sequence[Any], compacted: int) -> None:
        """``compacted``: how many compactions there were so far."""
        from langchain_core.messages import convert_to_openai_messages

        now = [json.dumps(each) for each in convert_to_openai_messages(messages)]  # pyright: ignore[reportArgumentType]
        if now[: len(self.before)] != self.before:
            self.changed += 1
            self.unexplained += compacted == self.compactions
        self.compactions, self.before = compacted, now
        self.tokens += sum(map(self._count, now))

    def count(self, messages: Any, **_: Any) -> int:
        """For those who count each message at each call: as LangChain's counters are called."""
        from langchain_core.messages import convert_to_openai_messages

        return sum(self._count(json.dumps(each)) for each in convert_to_openai_messages(messages))

    def _count(self, text: str) -> int:
        if text not in self.counted:
            self.counted[text] = self.counter.message(Message.from_openai(json.loads(text)))
        return self.counted[text]

    def cells(self, requests: int, turns: int) -> list[object]:
        return [
            self.compactions,
            f"{100 * self.compactions / turns:.1f}",
            f"{self.changed} ({self.changed / requests:.0%})",
            self.unexplained,
            f"{self.tokens:,}",
        ]


def _driven(name: str, window: int, trigger: int, prompt: str | None, requests: Sequence[Any]) -> Seen:
    from langchain.agents import create_agent
    from langgraph.checkpoint.memory import InMemorySaver

    seen, thread = Seen(), {"configurable": {"thread_id": "t1"}}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        middleware, compacted = _made(name, window, trigger, Path(folder), seen.count)
        model = _recorded(lambda sent: seen.request(sent, compacted()))
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
            agent.invoke({"messages": [message.model_copy() for message in new]}, thread)
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


def _made(name: str, window: int, trigger: int, folder: Path, count: Any) -> tuple[Any, Any]:
    """The middleware, and what says how often it has compacted."""
    from langchain_compaction import CompactionMiddleware, as_summarizer

    size, keep = ("tokens", trigger), ("tokens", trigger // KEEP)
    if name.startswith("ours"):
        events: list[Any] = []
        ours = CompactionMiddleware(
            max_input_tokens=window,
            reserve_tokens=window // 10,
            trigger=size,
            keep=keep,
            observers=[events.append],
            mode="replace" if name.endswith("replace") else "view",
            archive=":memory:",
        )
        return ours, lambda: sum(event.committed for event in events)
    if name.startswith("Context"):
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
    if name == "deepagents":
        from deepagents.backends import FilesystemBackend
        from deepagents.middleware.summarization import SummarizationMiddleware as Deep

        return Deep(
            model, backend=FilesystemBackend(root_dir=folder, virtual_mode=True), **options
        ), lambda: len(calls)
    from langchain.agents.middleware import SummarizationMiddleware

    return SummarizationMiddleware(model, **options), lambda: len(calls)
