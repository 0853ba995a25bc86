"""The chat format comes back equal; what could never be sent is refused with its reason."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from context_compaction.errors import InvalidMessage
from context_compaction.messages import MediaBlock, Message, ReasoningBlock, TextBlock, ToolResultBlock
from context_compaction.messages.storage import canonical, decode, encode
from tests.histories import histories

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(histories(4), st.dictionaries(st.text(min_size=1), JSON, max_size=3))
def test_round_trips_keep_every_key(history: list[list[dict[str, Any]]], extra: dict[str, Any]) -> None:
    """Reading and writing, and storing in between, gives back an equal dict, unknown keys included."""
    taken = {"role", "content", "tool_calls", "tool_call_id", "refusal", "audio", "name", "id", "reasoning"}
    for data in (data for batch in history for data in batch):
        full = {**{key: value for key, value in extra.items() if key not in taken}, **data}
        message = Message.from_openai(full)
        assert message.to_openai() == full
        text, plain = encode(message)
        stored = decode(text)
        assert stored == message
        assert plain == canonical(text)
        assert stored.to_openai() == full


def test_absent_null_empty_text_and_empty_list_differ() -> None:
    """The four ways of saying nothing are four different dicts, before and after."""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    variants: list[dict[str, Any]] = [
        {"role": "assistant", "tool_calls": [call]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "assistant", "content": [], "tool_calls": [call]},
    ]
    written = [decode(encode(Message.from_openai(data))[0]).to_openai() for data in variants]
    assert written == variants


def test_parts_become_blocks() -> None:
    """Text, image, audio, file, thinking and unknown parts are all seen by the engine."""
    data: dict[str, Any] = {
        "role": "user",
        "content": [
            {"type": "text", "text": "look"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
            {"type": "input_audio", "input_audio": {"data": "BBBB", "format": "wav"}},
            {"type": "file", "file": {"file_id": "file-1"}},
            {"type": "thinking", "thinking": "hm", "signature": "sig"},
            {"type": "hologram", "payload": 1},
        ],
    }
    blocks = Message.from_openai(data).blocks
    assert blocks[0] == TextBlock("look")
    assert blocks[1] == MediaBlock("image", data="AAAA", mime="image/png", detail="low")
    assert blocks[2] == MediaBlock("audio", data="BBBB", mime="wav")
    assert blocks[3] == MediaBlock("file", url="file-1")
    assert blocks[4] == ReasoningBlock("hm", "sig")
    assert isinstance(blocks[5], TextBlock)
    assert "hologram" in blocks[5].text


def test_an_edited_message_keeps_unknown_keys_and_shows_its_blocks() -> None:
    """What a view shows in place of an original still has the caller's own keys."""
    data = {"role": "tool", "tool_call_id": "c", "content": "long", "name": "f", "is_error": True, "x": 1}
    shown = Message.from_openai(data).with_blocks((ToolResultBlock("c", "short", "f", True),)).to_openai()
    assert shown == {**data, "content": "short"}


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ({"role": "narrator", "content": "x"}, "role"),
        ({"content": "x"}, "role"),
        ({"role": "user"}, "content"),
        ({"role": "user", "content": None}, "content"),
        ({"role": "assistant", "content": None}, "content"),
        ({"role": "assistant", "content": None, "tool_calls": []}, "content"),
        ({"role": "tool", "content": "x"}, "tool_call_id"),
        ({"role": "tool", "tool_call_id": "", "content": "x"}, "tool_call_id"),
        ({"role": "tool", "tool_call_id": "c", "content": None}, "content"),
        ({"role": "assistant", "tool_calls": [{"function": {"name": "f"}}]}, "id"),
        ({"role": "assistant", "tool_calls": [{"id": "c", "function": {}}]}, "function"),
        ({"role": "assistant", "tool_calls": "no"}, "tool_calls"),
        ({"role": "user", "content": 5}, "content"),
        ({"role": "user", "content": [5]}, "content part"),
        ({"role": "user", "content": "x", "score": float("nan")}, "JSON"),
        ({"role": "user", "content": "x", "when": object()}, "JSON"),
        ({"role": "user", "content": "x", "pair": (1, 2)}, "JSON"),
        ({"role": "user", "content": "x", "keys": [{1: "a"}]}, "JSON"),
        ({"role": "user", "content": "halves of one sign: \ud83d" + "\ude00"}, "JSON"),
        ({"role": "user", "content": "x", "\ud83d" + "\ude00": 1}, "JSON"),
        ("hello", "dict"),
    ],
)
def test_what_cannot_be_sent_is_refused(data: Any, word: str) -> None:
    """The error is typed and names what is wrong."""
    with pytest.raises(InvalidMessage, match=word):
        Message.from_openai(data)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Message("user", ()),
        lambda: Message("tool", "x"),  # type: ignore[arg-type]
        lambda: Message("user", (ToolResultBlock("c", "x"),)),
        lambda: Message("tool", (ToolResultBlock("c", "x"), ToolResultBlock("d", "y"))),
        lambda: Message("user", ("x",)),  # type: ignore[arg-type]
        lambda: Message("user", "x", id=7),  # type: ignore[arg-type]
    ],
)
def test_messages_made_by_hand_are_checked_too(make: Any) -> None:
    """A message that no model would take cannot be made."""
    with pytest.raises(InvalidMessage):
        make()


def test_canonical_bytes_do_not_depend_on_key_order() -> None:
    """Hashes cover one byte form."""
    left = encode(Message.from_openai({"role": "user", "content": "x", "b": 1}))
    right = encode(Message.from_openai({"b": 1, "content": "x", "role": "user"}))
    assert left[0] != right[0]
    assert left[1] == right[1]
