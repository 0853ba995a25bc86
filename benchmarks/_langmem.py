"""What langmem's `summarize_messages` was seen to lose or break, beside our `compact_messages`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage
from langchain_core.messages.utils import count_tokens_approximately
from langmem.short_term import summarize_messages  # pyright: ignore[reportMissingImports, reportUnknownVariableType]

from benchmarks._contenders import OURS, Writer
from benchmarks._failures import Failure, yes
from langchain_compaction import compact_messages
from tests.langchain.asking import chat, steps

LANGMEM = "langmem"
LIMIT = 2000
"""Tokens to come down to, which both are told."""


def shown(name: str, said: Sequence[BaseMessage], writer: Writer | None = None) -> list[BaseMessage]:
    """What a model would be sent of a conversation."""
    writer = writer or Writer()
    if name == OURS:
        return compact_messages(
            said, max_tokens=LIMIT, token_counter=count_tokens_approximately, drafter=writer
        )
    found: Any = summarize_messages(
        list(said),
        running_summary=None,
        model=writer,
        max_tokens=LIMIT,
        token_counter=count_tokens_approximately,
    )
    return found.messages


def numbered(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """With the ids that langmem wants."""
    return [message.model_copy(update={"id": f"i{place}"}) for place, message in enumerate(messages)]


def long_question(name: str) -> str:
    said = numbered([*chat(5), HumanMessage("begin " + "lorem ipsum " * 1500 + " end")])
    last = str(shown(name, said)[-1].text)
    return yes(last.startswith("begin") and last.endswith("end"), "sent, clamped", "not sent")


def parallel(name: str) -> str:
    """How often a result is sent without the call that it answers."""
    broken = 0
    for count in range(20):
        said = numbered([HumanMessage("look"), *steps(10 + count, width=4, words=10 + count)])
        called = set[str | None]()
        for message in shown(name, said):
            called |= {call["id"] for call in getattr(message, "tool_calls", [])}
            if isinstance(message, ToolMessage) and message.tool_call_id not in called:
                broken += 1
                break
    return f"{broken} of 20 requests with a result whose call is gone"


def share_read(name: str) -> str:
    writer, history = Writer(), chat(500)
    said = numbered([*history, HumanMessage("and?")])
    sent = "\n".join(str(message.text) for message in shown(name, said, writer))
    left = [message for message in history if str(message.text) not in sent]
    asked = "\n".join(writer.asked)
    read = sum(f"{message.text.split(' about')[0]} about" in asked for message in left)
    return f"{read / len(left):.0%} of {len(left)} messages that left"


def empty(name: str) -> str:
    sent = shown(name, numbered([*chat(30), HumanMessage("and?")]), Writer(text=""))
    return yes("question" in str(sent[0].text), "sentences in its place", "history replaced by nothing")


def thinking(name: str) -> str:
    writer = Writer(text="<think>what was it</think>boats were spoken of")
    sent = shown(name, numbered([*chat(30), HumanMessage("and?")]), writer)
    return yes(any("what was it" in str(message.text) for message in sent), "in the summary", "stripped")


def raising(name: str) -> str:
    said = numbered([*chat(30), HumanMessage("and?")])
    return yes(shown(name, said, Writer(error=RuntimeError("no"))), "sentences in its place", "nothing")


def without_ids(name: str) -> str:
    return yes(shown(name, [*chat(30), HumanMessage("and?")]), "compacted", "nothing")


FAILURES = [
    Failure("A newest question over the limit", LANGMEM, long_question),
    Failure("Steps of four calls at once", LANGMEM, parallel),
    Failure("Of 1,000 messages the summariser reads", LANGMEM, share_read),
    Failure("A summariser that raises", LANGMEM, raising),
    Failure("An empty summary", LANGMEM, empty),
    Failure("Thinking before a summary", LANGMEM, thinking),
    Failure("Messages without ids", LANGMEM, without_ids),
]
