"""An agent's messages are read once: the objects that came before, and those that a checkpoint made anew."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from context_compaction import Shown
from langchain_compaction.agents import reading
from langchain_compaction.agents.reading import Reader
from tests.langchain.asking import call, chat, result, steps

Change = dict[str, Any]


def said() -> list[BaseMessage]:
    parts: Any = [{"type": "text", "text": "what is this?"}]
    body = [*chat(10), HumanMessage(parts), *steps(6), AIMessage("so it is")]
    return [message.model_copy(update={"id": f"i{place}"}) for place, message in enumerate(body)]


@pytest.fixture
def converted(monkeypatch: pytest.MonkeyPatch) -> list[BaseMessage]:
    """What was converted, in order."""
    found: list[BaseMessage] = []
    convert = reading.from_langchain
    monkeypatch.setattr(reading, "from_langchain", lambda own: found.append(own) or convert(own))
    return found


@pytest.mark.parametrize("again", [list, copy.deepcopy], ids=["same objects", "new objects"])
def test_what_did_not_change_is_not_read_again(again: Any, converted: list[BaseMessage]):
    reader, before = Reader(), said()
    first = reader.read(before)
    now = [*again(before), HumanMessage("and?", id="new")]
    second = reader.read(now)
    assert second.same == len(before)
    assert second.since(0)[:-1] == first.since(0)
    assert len(converted) == len(before) + 1
    assert all(one is other for one, other in zip(second.since(0), first.since(0), strict=False))


def test_what_is_given_back_is_the_newest_object(converted: list[BaseMessage]):
    reader, before = Reader(), said()
    read = reader.read(before).since(0)
    assert all(one is other for one, other in zip(reader.write(Shown(read, len(read))), before, strict=True))
    now = copy.deepcopy(before)
    reader.read(now)
    assert all(one is other for one, other in zip(reader.write(Shown(read, len(read))), now, strict=True))
    assert all(map(reader.is_own, now))
    assert not any(map(reader.is_own, before))


EDITS: list[tuple[int, Change]] = [
    (0, {"content": "otherwise"}),
    (20, {"content": [{"type": "text", "text": "what is that?"}]}),
    (21, {"tool_calls": call(9).tool_calls}),
    (21, {"additional_kwargs": {"reasoning_content": "hm"}}),
    (22, {"tool_call_id": "c9-0"}),
    (22, {"status": "error"}),
    (3, {"id": "another"}),
    (3, {"name": "Nemo"}),
]


@pytest.mark.parametrize(("at", "change"), EDITS)
@pytest.mark.parametrize("again", [list, copy.deepcopy], ids=["same objects", "new objects"])
def test_whatever_was_edited_is_read_again(at: int, change: Change, again: Any, converted: list[BaseMessage]):
    """In the middle of a list that otherwise is as it was, and whose ends are."""
    reader, before = Reader(), said()
    reader.read(before)
    now = again(before)
    now[at] = now[at].model_copy(update=change)
    second = reader.read(now)
    assert second.same == at
    assert converted[len(before)] is now[at]


def test_a_list_that_became_shorter():
    reader, before = Reader(), said()
    first = reader.read(before)
    assert reader.read(before[:5]).since(0) == first.since(0)[:5]
    assert first.length == len(before)
    assert len(first.since(0)) == len(before)  # a reading that somebody still has stays as it was
    other = reader.read([*before[:5], result(1)])
    assert other.same == 5
    assert reader.write(Shown(first.since(0)[7:8], 1)) == before[7:8]


def test_parts_changed_in_place_between_checkpoints():
    """The objects that were read are no measure then: what they said when they were read is."""
    reader, before = Reader(), said()
    reader.read(before)
    before[20].content[0]["text"] = "changed"  # pyright: ignore[reportArgumentType, reportIndexIssue]
    assert reader.read(copy.deepcopy(before)).same == 20


def test_artifacts_are_not_compared():
    class Table:
        def __eq__(self, other: object) -> bool:
            raise ValueError("the truth value of a table is ambiguous")

        __hash__ = None  # type: ignore[assignment]

    def table() -> ToolMessage:
        return ToolMessage("rows", tool_call_id="c1-0", id="t", artifact=Table())

    reader, ends = Reader(), said()
    first = [*ends[:3], table(), *ends[3:]]
    reader.read(first)
    assert reader.read([*ends[:3], table(), *ends[3:]]).same == len(first)
