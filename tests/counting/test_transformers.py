"""A model's own tokenizer as a counter: what it says is what its chat template sends."""

from __future__ import annotations

from typing import Any

import pytest

from context_compaction import Budget, Message, Session, TokenCounter, TransformersCounter
from tests.drafting.models import tokenizer


def sent(messages: list[dict[str, Any]]) -> int:
    text = tokenizer().apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return len(tokenizer()(text, add_special_tokens=False)["input_ids"])


CHATS = [
    [{"role": "user", "content": "the port is 8431"}],
    [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Which file is it?"}],
    [
        {"role": "user", "content": "the server"},
        {"role": "assistant", "content": "src/main.py\n\nand more"},
        {"role": "user", "content": "x" * 300},
    ],
]


@pytest.mark.parametrize("chat", CHATS)
def test_a_request_costs_what_the_template_makes_of_it(chat: list[dict[str, Any]]):
    counter = TransformersCounter(tokenizer())
    counted = counter.messages(Message.from_openai(message) for message in chat)
    assert abs(counted - sent(chat)) <= len(chat)  # a word may join with what the template puts beside it
    assert counter.exact


def test_a_tokenizer_is_taken_as_a_counter():
    counter = TokenCounter.of(tokenizer())
    assert isinstance(counter, TransformersCounter)
    assert counter.name.startswith("transformers/")
    with Session(budget=Budget(context_window=400), counter=tokenizer()) as session:
        for turn in range(20):
            session.append({"role": "user", "content": f"the port of server {turn} is {8000 + turn}"})
            session.append({"role": "assistant", "content": "Noted."})
        assert counter.messages(session.context()) <= session.stats.input_tokens
        assert session.events


def test_tools_and_reasoning_are_counted_by_the_tokenizer():
    counter = TransformersCounter(tokenizer())
    call = {
        "id": "c",
        "type": "function",
        "function": {"name": "read", "arguments": '{"path": "src/main.py"}'},
    }
    bare = Message.from_openai({"role": "assistant", "content": "x"})
    calling = Message.from_openai({"role": "assistant", "content": "x", "tool_calls": [call]})
    assert counter.message(calling) - counter.message(bare) >= counter.text('{"path": "src/main.py"}')


def test_without_a_template_the_usual_envelopes():
    from copy import deepcopy

    plain = deepcopy(tokenizer())
    plain.chat_template = None
    message = Message.from_openai({"role": "user", "content": "the port"})
    assert TransformersCounter(plain).message(message) == 4 + TransformersCounter(plain).text("the port")


def test_what_is_no_tokenizer_is_refused():
    with pytest.raises(TypeError, match="not int"):
        TransformersCounter(3)
