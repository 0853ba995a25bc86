"""Every message that LangChain can hold, as Hypothesis strategies, and when two of them are the same."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from langchain_core.documents import Document
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    ChatMessageChunk,
    FunctionMessage,
    FunctionMessageChunk,
    HumanMessage,
    HumanMessageChunk,
    SystemMessage,
    SystemMessageChunk,
    ToolMessage,
    ToolMessageChunk,
)

from tests.langchain.parts import PARTS

texts = st.one_of(
    st.sampled_from(["", "hello", "\ud800 alone", "NUL \x00", "{}", "データ"]),
    st.text(st.characters(exclude_categories=()), max_size=12),
)
ids = st.one_of(st.none(), st.uuids().map(str))
names = st.one_of(st.none(), st.sampled_from(["ann", "search", "Ünï"]))
numbers = st.one_of(st.integers(), st.floats(), st.sampled_from([Decimal("1.50"), 2 + 3j]))
moments = st.one_of(
    st.datetimes(timezones=st.sampled_from([None, dt.UTC])),
    st.dates(),
    st.times(),
    st.timedeltas(),
)
leaves = st.one_of(
    st.none(), st.booleans(), numbers, texts, st.binary(max_size=8), moments, st.just(UUID(int=7))
)
documents = st.builds(
    Document, page_content=texts, metadata=st.dictionaries(texts, leaves, max_size=2), id=ids
)
keys = st.one_of(texts, st.integers(), st.none(), st.tuples(st.integers()), st.just("$plain"))
values = st.recursive(
    st.one_of(leaves, documents),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(keys, inner, max_size=3),
        st.sets(st.integers(), max_size=2),
        st.frozensets(texts, max_size=2),
    ),
    max_leaves=6,
)
fields = st.dictionaries(texts, values, max_size=2)
contents = st.one_of(texts, st.lists(st.sampled_from(PARTS), max_size=4))
arguments = st.dictionaries(texts, st.one_of(st.none(), texts, st.integers(), st.lists(texts)), max_size=2)
call_ids = st.one_of(st.none(), st.just(""), st.sampled_from(["c1", "c2", "toolu_unknown"]))
calls = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from(["f", "g"]), "args": arguments, "id": call_ids}),
    max_size=3,
)
invalid_calls = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.one_of(st.none(), st.just("f")),
            "args": st.one_of(st.none(), st.just('{"cut": ')),
            "id": st.one_of(st.none(), st.sampled_from(["i1", "i2"])),
            "error": st.one_of(st.none(), st.just("no JSON")),
        }
    ),
    max_size=2,
)
usages = st.one_of(
    st.none(),
    st.just(
        {
            "input_tokens": 7,
            "output_tokens": 3,
            "total_tokens": 10,
            "input_token_details": {"cache_read": 5, "audio": 0},
            "output_token_details": {"reasoning": 2},
        }
    ),
)
WRITTEN = {"id": "w1", "type": "function", "function": {"name": "f", "arguments": '{"x" :  1}'}}
BROKEN = {"id": "w2", "type": "function", "function": {"name": "g", "arguments": '{"x" : '}}
answered = st.one_of(
    fields,
    st.sampled_from(
        [
            {"tool_calls": [WRITTEN]},
            {"tool_calls": [WRITTEN, BROKEN]},
            {"tool_calls": None},
            {"tool_calls": ["odd", {"function": None}]},
            {"function_call": {"name": "old", "arguments": '{"a": 1}'}},
            {"function_call": None},
            {"reasoning_content": "thought about it"},
            {"reasoning_content": ""},
            {"created": 1_700_000_000, "refusal": None},
        ]
    ),
)
extra = st.dictionaries(st.sampled_from(["example", "extra_field", "sitting"]), st.booleans(), max_size=2)


def _said(kind: type[BaseMessage], **more: Any) -> st.SearchStrategy[BaseMessage]:
    known: dict[str, Any] = {
        "content": contents,
        "additional_kwargs": fields,
        "response_metadata": fields,
        "name": names,
        "id": ids,
        **more,
    }
    return st.tuples(extra, st.fixed_dictionaries(known)).map(lambda given: kind(**given[0], **given[1]))


answers: dict[str, Any] = {
    "tool_calls": calls,
    "invalid_tool_calls": invalid_calls,
    "usage_metadata": usages,
    "additional_kwargs": answered,
}
results: dict[str, Any] = {
    "tool_call_id": st.sampled_from(["c1", "c9"]),
    "artifact": values,
    "status": st.sampled_from(["success", "error"]),
}
function: dict[str, Any] = {"name": st.sampled_from(["old", "other"])}
role: dict[str, Any] = {"role": st.sampled_from(["user", "assistant", "AI", "system", "developer", "critic"])}
developer = st.one_of(fields, st.just({"__openai_role__": "developer"}))

messages = st.one_of(
    _said(HumanMessage),
    _said(AIMessage, **answers),
    _said(SystemMessage, additional_kwargs=developer),
    _said(ToolMessage, **results),
    _said(FunctionMessage, **function),
    _said(ChatMessage, **role),
)
chunked_calls = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["f", None]),
            "args": st.sampled_from(['{"a": 1}', '{"a', None]),
            "id": st.sampled_from(["c1", None]),
            "index": st.sampled_from([0, None]),
        }
    ),
    max_size=2,
)
chunks = st.one_of(
    _said(HumanMessageChunk),
    _said(AIMessageChunk, tool_call_chunks=chunked_calls, usage_metadata=usages),
    _said(SystemMessageChunk),
    _said(ToolMessageChunk, **results),
    _said(FunctionMessageChunk, **function),
    _said(ChatMessageChunk, **role),
)


def alike(one: Any, other: Any) -> bool:
    """Equal, of the same type, and NaN is NaN."""
    if type(one) is not type(other):
        return False
    if isinstance(one, BaseMessage):
        same_extra = alike(one.__pydantic_extra__ or {}, other.__pydantic_extra__ or {})
        return same_extra and all(
            alike(getattr(one, name), getattr(other, name)) for name in type(one).model_fields
        )
    if isinstance(one, Document):
        return alike((one.id, one.page_content, one.metadata), (other.id, other.page_content, other.metadata))
    if isinstance(one, dict):
        return list(map(repr, one)) == list(map(repr, other)) and alike(
            list(one.values()), list(other.values())
        )
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, (float, complex)):
        return repr(one) == repr(other)
    return bool(one == other)
