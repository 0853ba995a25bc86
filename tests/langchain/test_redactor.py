"""`redactor=` of every face reaches the engine: no drafter sees a key, no summary has it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from context_compaction import Policy, open_archive, redact_secrets
from context_compaction.testing.drafters import ScriptedDrafter
from langchain_compaction import (
    CompactionChatMessageHistory,
    ConversationCompactionMemory,
    compact_messages,
)

KEY = "AKIA" + "Q3EGRIXYZ4UVW5AB"
POLICY = Policy.anchored(fidelity_floor=0.0)
CHAT: Sequence[BaseMessage] = [
    message
    for number in range(30)
    for message in (HumanMessage(f"Try {KEY} on {number}. " + "word " * 30), AIMessage("No. " + "text " * 30))
] + [HumanMessage("And now?")]


def history(drafter: Any) -> Any:
    kept = CompactionChatMessageHistory(
        "s1", max_tokens=2000, policy=POLICY, drafter=drafter, redactor=redact_secrets
    )
    kept.add_messages(CHAT)
    return kept.messages


def memory(drafter: Any) -> Any:
    kept = ConversationCompactionMemory(
        max_token_limit=2000, policy=POLICY, drafter=drafter, redactor=redact_secrets, return_messages=True
    )
    for asked, answered in zip(CHAT[:-1:2], CHAT[1::2], strict=True):
        kept.save_context({"input": asked.content}, {"output": answered.content})
    return kept.load_memory_variables({})["history"]


def stateless(drafter: Any) -> Any:
    return compact_messages(CHAT, max_tokens=2000, policy=POLICY, drafter=drafter, redactor=redact_secrets)


def stateful(drafter: Any) -> Any:
    step = compact_messages(
        max_tokens=2000,
        policy=POLICY,
        drafter=drafter,
        redactor=redact_secrets,
        archive=open_archive(":memory:"),
    )
    return step.invoke(CHAT, {"configurable": {"session_id": "s1"}})


@pytest.mark.parametrize("face", [history, memory, stateless, stateful])
def test_a_key_reaches_neither_drafter_nor_summary(face: Callable[[Any], list[BaseMessage]]) -> None:
    drafter = ScriptedDrafter(lambda asked: f"## Current State\n- {asked.passages[0].text[:60]} {KEY}")
    shown = face(drafter)
    (summary,) = [text for message in shown if "<summary" in (text := str(message.content))]
    assert "[redacted:aws-key]" in summary
    assert KEY not in summary
    assert drafter.requests
    assert KEY not in repr(drafter.requests)
    assert KEY in str(shown[-3:])  # what stays is shown as it was said
