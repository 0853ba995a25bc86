"""The memory knows the question before it is stored: what it asks about stands behind what is shown."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from context_compaction import Policy, TokenCounter
from langchain_compaction import ConversationCompactionMemory

FACT = "The harbour master is Petersen."
ASKED = "Who is the harbour master, Petersen?"


def long_memory(**options: Any) -> ConversationCompactionMemory:
    """A memory from whose sight the harbour master has gone."""
    options.setdefault("policy", Policy.truncating(recall_share=0.2))
    memory = ConversationCompactionMemory(max_token_limit=800, **options)
    memory.save_context({"input": FACT}, {"output": "Noted."})
    for number in range(40):
        memory.save_context({"input": f"How is boat {number}?"}, {"output": f"Boat {number} is fine. " * 4})
    return memory


def test_what_the_input_asks_about_stands_at_the_end() -> None:
    memory = long_memory()
    assert "Petersen" not in memory.buffer_as_str
    shown = memory.load_memory_variables({"input": ASKED})["history"]
    assert f"[m:1 user] {FACT}" in shown
    assert shown.endswith("</recalled>")
    assert "Human: <recalled>" not in shown
    assert "Petersen" not in memory.load_memory_variables({})["history"]
    assert "Petersen" not in memory.load_memory_variables({"input": "And so?"})["history"]
    assert TokenCounter.of(None).text(shown) <= 800


@pytest.mark.parametrize("value", [ASKED, HumanMessage(ASKED), [HumanMessage(ASKED)]])
async def test_the_question_may_come_in_any_form(value: Any) -> None:
    memory = long_memory(return_messages=True)
    shown = (await memory.aload_memory_variables({"input": value}))["history"]
    assert FACT in shown[-1].text
    assert shown[-1].id.startswith("rec_")


def test_inputs_that_do_not_tell_the_question_are_no_trouble() -> None:
    memory = long_memory()
    for inputs in ({"a": ASKED, "b": ASKED}, {"input": 7}, {"stop": ["x"]}, {"input": AIMessage(ASKED)}):
        assert memory.load_memory_variables(inputs) == memory.load_memory_variables({})
    memory.input_key = "b"
    assert FACT in memory.load_memory_variables({"a": "no", "b": ASKED})["history"]


def test_nothing_of_it_is_stored_and_the_next_turn_has_its_own() -> None:
    memory = long_memory()
    memory.load_memory_variables({"input": ASKED})
    memory.save_context({"input": ASKED}, {"output": "He is."})
    assert not any("<recalled>" in message.text for message in memory.session.history())
    shown = memory.load_memory_variables({"input": "How is boat 3?"})["history"]
    assert "] Boat 3 is fine." in shown
    assert FACT not in shown


def test_a_policy_without_a_share_shows_what_it_showed() -> None:
    memory = long_memory(policy=Policy.layered(recall_share=None))
    assert memory.load_memory_variables({"input": ASKED})["history"] == memory.buffer
