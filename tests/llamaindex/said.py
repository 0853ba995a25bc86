"""Every message that LlamaIndex can hold, as Hypothesis strategies, and when two of them are the same."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from llama_index.core.base.llms import types as li
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.bridge.pydantic import AnyUrl, BaseModel

PICTURE = b"iVBORw0KGgo="
WRITTEN = {"id": "w1", "type": "function", "function": {"name": "f", "arguments": '{"x" :  1}'}}
BROKEN = {"id": "w2", "type": "function", "function": {"name": "g", "arguments": '{"x" : '}}
CLAUDE = {"id": "toolu_1", "name": "look", "input": {"at": "it"}, "type": "tool_use"}
OLLAMA = {"function": {"name": "f", "arguments": {"x": 1}}}
COHERE = {"name": "f", "parameters": {"x": 1}}

texts = st.one_of(
    st.sampled_from(["", "hello", "NUL \x00", "{context_str} {x}", "データ", "<think>hm</think> so"]),
    st.text(max_size=12),
)
none = st.none()
binaries = st.binary(min_size=1, max_size=12)
urls = st.sampled_from([None, "https://a.example/a.png?x=1", "data:image/png;base64,iVBORw0KGgo="])
here = st.sampled_from([None, Path(__file__)])
arguments = st.dictionaries(texts, st.one_of(none, texts, st.integers(), st.lists(texts)), max_size=2)
values = st.recursive(
    st.one_of(
        none,
        st.booleans(),
        st.integers(),
        st.floats(),
        texts,
        binaries,
        st.datetimes(timezones=st.sampled_from([None, dt.UTC])).map(lambda moment: moment.replace(fold=0)),
        st.sampled_from([Decimal("1.50"), UUID(int=7), 2 + 3j]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.one_of(texts, st.integers(), st.just("$plain")), inner, max_size=3),
    ),
    max_leaves=6,
)

text_blocks = st.builds(li.TextBlock, text=texts)
image_blocks = st.one_of(
    st.builds(li.ImageBlock, image=binaries, detail=st.sampled_from([None, "low"])),
    st.builds(li.ImageBlock, image=st.just(PICTURE), image_mimetype=st.just("image/png")),
    st.builds(li.ImageBlock, url=urls, path=here),
    st.builds(li.ImageBlock, image=binaries.map(BytesIO)),
)
audio_blocks = st.one_of(
    st.builds(li.AudioBlock, audio=binaries, format=st.sampled_from([None, "wav"])),
    st.builds(li.AudioBlock, url=urls, path=here),
)
video_blocks = st.one_of(
    st.builds(li.VideoBlock, video=binaries, fps=st.sampled_from([None, 2])),
    st.builds(li.VideoBlock, url=urls, path=here),
)
document_blocks = st.one_of(
    st.builds(li.DocumentBlock, data=binaries, title=st.sampled_from([None, "a.pdf"])),
    st.builds(li.DocumentBlock, url=urls, path=st.sampled_from([None, "gone.pdf", Path(__file__)])),
)
cache_points = st.builds(li.CachePoint, cache_control=st.just(li.CacheControl(type="ephemeral", ttl="1h")))
citable_blocks = st.builds(
    li.CitableBlock,
    title=texts,
    source=texts,
    content=st.lists(st.one_of(text_blocks, image_blocks, document_blocks), max_size=2),
)
citation_blocks = st.builds(
    li.CitationBlock,
    cited_content=st.one_of(text_blocks, image_blocks),
    source=texts,
    title=texts,
    additional_location_info=st.dictionaries(texts, st.integers(), max_size=1),
)
thinking_blocks = st.builds(
    li.ThinkingBlock,
    content=st.one_of(none, texts),
    num_tokens=st.one_of(none, st.integers(0, 9)),
    additional_information=st.one_of(
        st.dictionaries(texts, values, max_size=2), st.just({"signature": "EqQB"})
    ),
)
call_blocks = st.builds(
    li.ToolCallBlock,
    tool_call_id=st.sampled_from([None, "", "c1", "w1"]),
    tool_name=st.sampled_from(["f", "g"]),
    tool_kwargs=st.one_of(arguments, st.just('{"x" : '), st.just('{"x" :  1}')),
)
BLOCKS: dict[type[BaseModel], st.SearchStrategy[Any]] = {
    li.TextBlock: text_blocks,
    li.ImageBlock: image_blocks,
    li.AudioBlock: audio_blocks,
    li.VideoBlock: video_blocks,
    li.DocumentBlock: document_blocks,
    li.CachePoint: cache_points,
    li.CitableBlock: citable_blocks,
    li.CitationBlock: citation_blocks,
    li.ThinkingBlock: thinking_blocks,
    li.ToolCallBlock: call_blocks,
}
"""By class, so that a test can say that none is missing."""
kept = st.one_of(
    st.dictionaries(texts, values, max_size=2),
    st.sampled_from(
        [
            {"tool_calls": [WRITTEN, BROKEN]},
            {"tool_calls": [CLAUDE]},
            {"tool_calls": [OLLAMA, COHERE]},
            {"tool_calls": None},
            {"tool_calls": ["odd", {"function": None}, {}]},
            {"function_call": {"name": "old", "arguments": '{"a": 1}'}},
            {"tool_call_id": "c1", "name": "f"},
            {"call_id": "c1"},
            {"timestamp": 1_700_000_000},
        ]
    ),
)
messages = st.builds(
    ChatMessage,
    role=st.sampled_from(list(MessageRole)),
    blocks=st.lists(st.one_of(list(BLOCKS.values())), max_size=4),
    additional_kwargs=kept,
)


def alike(one: ChatMessage, other: ChatMessage) -> bool:
    """Equal in every field, with buffers as what is in them and numbers that are none as equal."""
    return type(one) is type(other) and repr(_told(one)) == repr(_told(other))


def _told(value: Any) -> Any:
    if isinstance(value, BaseModel):
        fields = {name: _told(getattr(value, name)) for name in type(value).model_fields}
        return type(value).__name__, fields
    if isinstance(value, BytesIO):
        return value.getvalue()
    if isinstance(value, AnyUrl):
        return "url", str(value)
    if isinstance(value, (list, tuple)):
        return type(value)(_told(part) for part in value)
    if isinstance(value, dict):
        return {key: _told(part) for key, part in value.items()}
    return value
