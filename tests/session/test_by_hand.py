"""Messages made by hand, and edited ones of another session's context: what they say is what is stored."""

from __future__ import annotations

from typing import Any

import pytest

from context_compaction import Budget, InvalidMessage, Message, Session, TextBlock
from context_compaction.messages.storage import decode, encode

BUDGET = Budget(context_window=4096)
SAID = {"role": "user", "content": "as it was said", "mood": "calm"}
RAW = '{"role": "user",\n "content": "as it was s\u00e4id", "mood": "calm", "mood": "wild"}'
UNLIKE = ["nope", "[1]", '{"role":"user"}', '{"role":"user","content":"another"}', "[" * 100_000]


def edited() -> Message:
    return Message.from_openai(SAID).with_blocks([TextBlock("as it is shown")])


def tell(session: Session, how: str, *messages: Any) -> None:
    session.append(messages) if how == "append" else session.sync(messages)


@pytest.mark.parametrize("how", ["append", "sync"])
def test_an_edited_message_is_stored_as_it_is_shown(how: str):
    with Session(budget=BUDGET) as session:
        tell(session, how, edited())
        assert [message.text for message in session.history()] == ["as it is shown"]
        assert [message.to_openai() for message in session.context()] == [
            {**SAID, "content": "as it is shown"}
        ]
        assert session.archive.verify() == []


def test_storing_keeps_that_a_message_was_edited():
    assert decode(encode(edited())[0]) == edited()


@pytest.mark.parametrize("how", ["append", "sync"])
@pytest.mark.parametrize("raw", UNLIKE, ids=lambda raw: raw[:12])
def test_a_raw_that_says_something_else_is_refused_before_anything_is_stored(how: str, raw: str):
    with Session(budget=BUDGET) as session:
        with pytest.raises(InvalidMessage, match=r"message 1: .*raw"):
            tell(session, how, Message("user", "before"), Message("user", "as it was said", raw=raw))
        assert session.history() == []
        tell(session, how, Message("user", "behind"))
        assert [message.text for message in session.history()] == ["behind"]
        assert session.archive.verify() == []


def test_a_raw_written_in_another_way_is_the_same_message():
    message = Message("user", "as it was s\u00e4id", raw=RAW)
    with Session(budget=BUDGET) as session:
        session.append(message)
        assert [kept.to_openai() for kept in session.history()] == [message.to_openai()]
        assert session.archive.verify() == []
