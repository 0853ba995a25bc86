"""Memory, block and store as data, as a copy, and pickled: nothing is lost on the way."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from llama_index.core.llms import MockLLM

from context_compaction import Policy, open_archive
from llamaindex_compaction import CompactionChatStore, CompactionMemory, CompactionMemoryBlock, MissingArchive
from llamaindex_compaction.messages import write_all
from tests.llamaindex.chatting import texts, turns, user

if TYPE_CHECKING:
    from llama_index.core.base.llms.types import ChatMessage

SAID = [message for turn in turns(3) for message in turn]


def memory(**options: Any) -> CompactionMemory:
    made = CompactionMemory.from_defaults(session_id="ada", **options)
    made.put_messages(SAID)
    return made


def store(**options: Any) -> CompactionChatStore:
    made = CompactionChatStore(**options)
    for message in SAID:
        made.add_message("ada", message)
    return made


def block(**options: Any) -> CompactionMemoryBlock:
    made = CompactionMemoryBlock(**options)
    asyncio.run(made.aput(SAID, session_id="ada"))
    return made


KINDS: dict[str, Callable[..., Any]] = {"memory": memory, "store": store, "block": block}
every_kind = pytest.mark.parametrize("kind", KINDS)


def said_in(made: Any) -> list[ChatMessage]:
    session = made.session if isinstance(made, CompactionMemory) else made.session("ada")
    return write_all(session.history())


@every_kind
@pytest.mark.parametrize(
    "way", [copy.deepcopy, lambda made: made.model_copy(deep=True)], ids=["copy", "pydantic"]
)
def test_a_copy_has_everything_and_is_another_one(kind: str, way: Callable[[Any], Any]):
    made = KINDS[kind](token_limit=1234, policy=Policy.truncating())
    copied = way(made)
    assert said_in(copied) == SAID
    assert (copied.token_limit, copied.policy) == (1234, made.policy)
    session = made.session if kind == "memory" else made.session("ada")
    session.append({"role": "user", "content": "more"})
    assert said_in(copied) == SAID
    copied.close()
    assert len(said_in(made)) == len(SAID) + 1


@every_kind
@pytest.mark.parametrize("place", ["file", "yours"])
def test_a_copy_on_the_same_archive(kind: str, place: str, tmp_path: Path):
    archive = open_archive(tmp_path / "chat.db")
    made = KINDS[kind](archive=archive if place == "yours" else tmp_path / "chat.db")
    copied = copy.deepcopy(made)
    assert said_in(copied) == SAID
    copied.close()
    assert said_in(made) == SAID
    made.close()
    archive.close()


@every_kind
@pytest.mark.parametrize("place", [":memory:", "chat.db"])
def test_pickled_it_has_everything(kind: str, place: str, tmp_path: Path):
    made = KINDS[kind](archive=place if place == ":memory:" else tmp_path / place, token_limit=1234)
    data = pickle.dumps(made)
    made.close()
    read = pickle.loads(data)
    assert said_in(read) == SAID
    assert read.token_limit == 1234
    read.close()


def test_a_memory_that_is_open_is_read_as_itself():
    made = memory(llm=MockLLM())
    data = pickle.dumps(made)
    assert pickle.loads(data) is made
    made.close()
    assert isinstance(pickle.loads(data).llm, MockLLM)


def test_what_cannot_be_pickled_is_named_and_left_out(caplog: pytest.LogCaptureFixture):
    made = store(is_pinned=lambda message: False)
    read = pickle.loads(pickle.dumps(made))
    assert (read.is_pinned, said_in(read)) == (None, SAID)
    assert "is_pinned cannot be pickled and is left out" in caplog.text
    assert "tokenizer_fn" not in caplog.text


@every_kind
def test_an_archive_of_yours_is_asked_for(kind: str):
    with open_archive() as archive:
        made = KINDS[kind](archive=archive)
        data, told = pickle.dumps(made), made.to_dict()
        made.close()
        with pytest.raises(MissingArchive, match=type(made).__name__):
            pickle.loads(data)
        assert said_in(type(made).from_dict(told, archive=archive)) == SAID


def test_a_store_in_memory_is_written_as_json_and_read():
    again = CompactionChatStore.from_json(store(token_limit=500).to_json())
    assert (again.archived_messages("ada"), again.token_limit) == (SAID, 500)
    again.add_message("bob", user("hello"))
    assert texts(again.get_messages("bob")) == ["hello"]
    again.close()
