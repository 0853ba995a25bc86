"""What a stored message is compared by."""

import pytest

from context_compaction import Message, ReasoningBlock, TextBlock, ToolCallBlock
from context_compaction.messages.storage import content_digest

CALL = ToolCallBlock("c1", "look", "{}")


@pytest.mark.parametrize("rest", [CALL, ReasoningBlock("hm")])
def test_an_empty_text_beside_other_blocks_says_nothing(rest: ToolCallBlock | ReasoningBlock):
    assert content_digest(Message("assistant", (TextBlock(""), rest))) == content_digest(
        Message("assistant", (rest,))
    )


def test_an_empty_text_alone_is_what_the_message_says():
    assert content_digest(Message("user", "")) != content_digest(Message("user", "x"))
    assert content_digest(Message("user", "")) != content_digest(Message("assistant", ""))


def test_ids_and_unknown_keys_do_not_count():
    one = Message.from_openai({"role": "user", "content": "hi", "id": "a", "mood": "good"})
    assert content_digest(one) == content_digest(Message("user", "hi"))
    assert content_digest(one) != content_digest(Message("user", "hi", name="Ann"))


def test_a_list_that_lost_its_empty_texts_elsewhere_is_the_same_list():
    from context_compaction import Budget, Session

    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    chat = [
        {"role": "user", "content": "look"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "a boat"},
    ]
    session = Session(budget=Budget(context_window=8192))
    session.append(chat)
    assert session.sync([chat[0], {**chat[1], "content": None}, chat[2]]).kind == "unchanged"
    session.close()
