"""Conversations in which middlewares were seen to lose, break, or repeat something: what becomes of them now?

Each function plays one with a contender and says in a few words what happened.
"""

from __future__ import annotations

import base64
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage, ToolMessage

from benchmarks._contenders import DEEP, EDITING, LANGCHAIN, OURS, THREAD, Contender, Writer, contender
from tests.langchain.asking import call, chat, result, steps


@dataclass(frozen=True, slots=True)
class Failure:
    """One that was observed."""

    title: str
    seen_in: str
    play: Callable[[str], str]

    def outcome(self, name: str) -> str:
        """What happens with this contender; an exception is an outcome, too."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return self.play(name)
            except Exception as error:  # noqa: BLE001 - that it raises is what is to be shown
                return f"raises {type(error).__name__}"


def turns(run: Contender, count: int, words: int = 40) -> None:
    for turn in chat(count, words=words)[::2]:
        run.ask(turn)


def yes(condition: object, true: str, false: str) -> str:
    return true if condition else false


def system_message(name: str) -> str:
    run = contender(name)
    run.ask(SystemMessage("You are Nemo."), *chat(30), HumanMessage("and?"))
    return yes("You are Nemo." in run.sent, "stays", "gone")


def raising(name: str) -> str:
    run = contender(name, writer=Writer(error=RuntimeError("no")))
    turns(run, 30)
    return f"{len(run.model.seen)} of 30 turns answered"


def empty(name: str) -> str:
    run = contender(name, writer=Writer(text=""))
    turns(run, 30)
    first = next(message for message in run.model.seen[-1] if message.type == "human").text
    return yes("question" in first, "sentences of the history in its place", "history replaced by nothing")


def thinking(name: str) -> str:
    run = contender(name, writer=Writer(text="<think>what was it</think>boats were spoken of"))
    turns(run, 30)
    return yes("what was it" in run.sent, "in the summary", "stripped")


def share_seen(name: str) -> str:
    run = contender(name, keep=("messages", 20))
    history = chat(500)
    run.ask(*history, HumanMessage("and?"))
    asked = "\n".join(run.writer.asked)
    if name == OURS and not run.writer.asked:
        turns(run, 1)
        asked = "\n".join(run.writer.asked)
    shown = "\n".join(str(message.text) for message in run.model.seen[-1])
    left = [message for message in history if str(message.text) not in shown]
    read = sum(f"{message.text.split(' about')[0]} about" in asked for message in left)
    return f"{read / max(1, len(left)):.0%} of {len(left)} messages that left"


def first_summary(name: str) -> str:
    run = contender(name, writer=Writer(text="## Current State\n- the anchor is in bay seven"))
    for number in range(6):
        run.ask(*chat(24, words=150), HumanMessage(f"question {number}"))
        if len(run.writer.asked) > 1:
            break
    return yes(any("bay seven" in asked for asked in run.writer.asked[1:]), "read", "not read")


def one_question(name: str) -> str:
    run = contender(name)
    run.ask(HumanMessage("find the cellar"), *steps(60), call(99), result(99))
    lost = "too long to summarize" in run.sent or "find the cellar" not in run.sent
    return yes(lost, f"question lost, {len(run.writer.asked)} summaries", "question stays")


def keep_over_trigger(name: str) -> str:
    run = contender(name, trigger=("tokens", 800), keep=("messages", 20))
    turns(run, 50)
    return f"{len(run.writer.asked)} summaries in 50 turns"


def oversized(name: str) -> str:
    whole = {"trim_tokens_to_summarize": None} if name == LANGCHAIN else {}
    run = contender(name, trigger=("tokens", 1000), keep=("tokens", 300), **whole)
    run.ask(*chat(3), HumanMessage("lorem ipsum " * 3000))
    turns(run, 5, words=5)
    return f"{len(run.writer.asked)} summaries in 6 turns"


def wide_call(name: str) -> str:
    run = contender(name, window=16_384, keep=("tokens", 1000))
    results = [result(1, place, words=60) for place in range(60)]
    run.ask(HumanMessage("go"), *steps(1), HumanMessage("look"), call(1, 60), *results)
    for number in range(3):
        run.ask(HumanMessage(f"and {number}?"))
    return (
        f"{len(run.writer.asked)} summaries in 4 model calls, the last of {len(run.model.seen[-1])} messages"
    )


def prompt_uncounted(name: str) -> str:
    run = contender(
        name,
        window=8192,
        trigger=("fraction", 0.85) if name == OURS else ("tokens", 6000),
        system_prompt="Mind the rules. " * 1000,
    )
    turns(run, 80)
    return f"{run.model.overflows} requests too long"


def interleaved(name: str) -> str:
    for between in range(3):
        run = contender(name, keep=("messages", 3))
        said = [*chat(12), call(1, 3), *(result(1, place) for place in range(3))]
        said.insert(25 + between, HumanMessage("hurry up"))
        run.ask(*said, HumanMessage("well?"))
    return "valid requests"


def orphan(name: str) -> str:
    run = contender(name)
    run.ask(HumanMessage("hello"), ToolMessage("a bell rang", tool_call_id="nobody"), HumanMessage("what?"))
    return yes("a bell rang" in run.sent, "valid request, its text stays", "valid request, its text is gone")


def long_question(name: str) -> str:
    run = contender(name, window=8192, trigger=("tokens", 6000))
    run.ask(*chat(3), HumanMessage("begin " + "lorem ipsum " * 6000 + " end"))
    last = run.model.seen[-1][-1].text
    return yes(last.startswith("begin") and last.endswith("end"), "sent, clamped", "another message is last")


def streamed(name: str) -> str:
    run, tokens = contender(name), list[str]()
    for turn in chat(30)[::2]:
        parts = run.agent.stream({"messages": [turn]}, THREAD, stream_mode="messages")
        tokens += [str(part[0].text) for part in parts]
    return yes(any("summary was written" in text for text in tokens), "in the user's stream", "not streamed")


def cleared(name: str) -> str:
    run = contender(name)
    run.ask(HumanMessage("look around"), *steps(30), HumanMessage("and?"))
    run.ask(HumanMessage("so?"))
    return yes("recall" in run.sent, "with a reference to look it up by", "with nothing to find it by")


def changed(name: str) -> str:
    run, before, count = contender(name, window=32_768, trigger=("tokens", 4000)), list[Any](), 0
    for number in range(100):
        now = [
            (each.type, each.content) for each in run.ask(HumanMessage(f"{number}"), *steps(1, first=number))
        ]
        count += now[: len(before)] != before
        before = now
    return f"{count} of 99 requests"


def written_file(name: str) -> str:
    body = "x = 1\n" * 3000
    run = contender(
        name,
        **(
            {"truncate_args_settings": {"trigger": ("tokens", 1000), "keep": ("messages", 4)}}
            if name == DEEP
            else {}
        ),
    )
    run.ask(HumanMessage("go"), call(1, name="write_file", path="a.py", content=body), result(1), *steps(30))
    run.ask(HumanMessage("and?"))
    return yes(_archived(run, body), "whole in the archive", "not in the archive")


def ids(name: str) -> str:
    run = contender(name)
    said: list[BaseMessage] = [
        message.model_copy(update={"id": f"id-{place}"}) for place, message in enumerate(chat(30))
    ]
    run.ask(*said, HumanMessage("and?"))
    return yes(_archived(run, "id-0"), "in the archive", "not in the archive")


def image(name: str) -> str:
    data = base64.b64encode(bytes(60_000)).decode()
    parts: Any = [
        {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}},
        {"type": "text", "text": "hear"},
    ]
    run = contender(name, trigger=("tokens", 8000), window=32_768)
    run.ask(HumanMessage(parts))
    run.ask(HumanMessage("and?"))
    return yes(run.writer.asked, "80 kB of base64 counted as text", "counted as sound")


def _archived(run: Contender, text: str) -> bool:
    if run.name == OURS:
        said = run.middleware.session(THREAD).history()
        return any(
            text in (message.raw or "").replace("\\\\n", "\n").replace("\\n", "\n") for message in said
        )
    if run.name == DEEP:
        return any(
            text in path.read_text(errors="ignore") for path in Path(run.folder).rglob("*") if path.is_file()
        )
    return text in str(run.agent.get_state(THREAD).values)


FAILURES = [
    Failure("A system message in the state", LANGCHAIN, system_message),
    Failure("A summariser that raises", LANGCHAIN, raising),
    Failure("A summariser that raises", DEEP, raising),
    Failure("An empty summary", LANGCHAIN, empty),
    Failure("An empty summary", DEEP, empty),
    Failure("Thinking before a summary", LANGCHAIN, thinking),
    Failure("Of 1,000 messages the summariser reads", LANGCHAIN, share_seen),
    Failure("The first summary, by the second summariser", LANGCHAIN, first_summary),
    Failure("One question and sixty steps", LANGCHAIN, one_question),
    Failure("Keep over the trigger", LANGCHAIN, keep_over_trigger),
    Failure("A message larger than what is kept", LANGCHAIN, oversized),
    Failure("Sixty calls at once", LANGCHAIN, wide_call),
    Failure("A long system prompt", LANGCHAIN, prompt_uncounted),
    Failure("Something said between parallel results", LANGCHAIN, interleaved),
    Failure("A result that answers nothing", LANGCHAIN, orphan),
    Failure("A last message over the window", LANGCHAIN, long_question),
    Failure("A last message over the window", DEEP, long_question),
    Failure("Tokens of the summariser", LANGCHAIN, streamed),
    Failure("Tokens of the summariser", DEEP, streamed),
    Failure("Audio in base64", LANGCHAIN, image),
    Failure("Results that were cleared", EDITING, cleared),
    Failure("What was sent is sent otherwise", EDITING, changed),
    Failure("A file that was written", DEEP, written_file),
    Failure("Ids of messages that left", DEEP, ids),
]
