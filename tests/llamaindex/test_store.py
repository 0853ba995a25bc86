"""`CompactionChatStore` under LlamaIndex's own memories, and by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.memory import ChatMemoryBuffer, ChatSummaryMemoryBuffer

from context_compaction import ArchiveError, InvalidMessage, open_archive
from llamaindex_compaction import CompactionChatStore
from tests.llamaindex.chatting import answer, texts, turns, user
from tests.llamaindex.strict import StrictLLM


def filled(count: int = 40, **options: Any) -> CompactionChatStore:
    store = CompactionChatStore(**{"token_limit": 1000, **options})
    for turn in turns(count):
        for message in turn:
            store.add_message("ada", message)
    return store


def test_what_is_given_fits_and_everything_is_kept():
    store = filled()
    assert "<conversation_summary" in str(store.get_messages("ada")[0].content)
    assert len(store.get_messages("ada")) < 40
    assert store.archived_messages("ada") == [message for turn in turns(40) for message in turn]


def test_a_buffer_over_it_shows_the_context_and_its_question():
    """The buffer's own limit is over the store's: it never has to cut."""
    store = CompactionChatStore(token_limit=1000)
    memory = ChatMemoryBuffer.from_defaults(chat_store=store, chat_store_key="ada", token_limit=2000)
    for turn in turns(40):
        for message in turn:
            memory.put(message)
    memory.put(user("And now?"))
    got = memory.get()
    assert got == store.get_messages("ada")
    assert "<conversation_summary" in str(got[0].content)
    assert got[-1] == user("And now?")


def test_a_summary_buffer_over_it_loses_nothing():
    """It takes messages out of a list that its own store has for one, and its model fails."""
    store = filled()
    llm = StrictLLM(script=[ConnectionError("gone")])
    memory = ChatSummaryMemoryBuffer.from_defaults(
        chat_store=store, chat_store_key="ada", llm=llm, token_limit=200
    )
    with pytest.raises(ConnectionError):
        memory.get()
    assert len(store.archived_messages("ada")) == 80


def test_what_is_given_can_be_written_into():
    store = filled(2)
    store.get_messages("ada").clear()
    store.get_messages("ada")[0].additional_kwargs["mine"] = 1
    assert store.get_messages("ada") == [message for turn in turns(2) for message in turn]


def test_keys_are_sessions_and_asking_begins_none():
    store = filled(1)
    store.add_message("bob", user("hello"))
    assert store.get_messages("eve") == []
    assert store.delete_messages("eve") is None
    assert store.delete_last_message("eve") is None
    assert store.get_keys() == ["ada", "bob"]
    assert texts(store.get_messages("bob")) == ["hello"]


def test_deleting_a_key_erases_it():
    store = filled(2)
    gone = store.delete_messages("ada")
    assert gone == [message for turn in turns(2) for message in turn]
    assert (store.get_keys(), store.get_messages("ada")) == ([], [])


def test_deleting_one_message_keeps_it_in_a_branch():
    store = filled(2)
    before = store.get_messages("ada")
    assert store.delete_message("ada", 1) == before[1]
    assert store.get_messages("ada") == [before[0], *before[2:]]
    assert store.delete_last_message("ada") == before[-1]
    assert store.get_messages("ada") == [before[0], before[2]]
    assert store.delete_message("ada", 7) is None
    session = store.session("ada")
    assert len(session.history(session.branches()[0].id)) == 4


def test_the_first_messages_can_be_deleted():
    """A list cut at its beginning is no difference elsewhere: here it is meant."""
    store = filled(2)
    before = store.get_messages("ada")
    assert store.delete_message("ada", 0) == before[0]
    assert store.archived_messages("ada") == before[1:]
    for _ in range(3):
        store.delete_last_message("ada")
    assert (store.archived_messages("ada"), store.get_messages("ada")) == ([], [])
    system = ChatMessage(role="system", content="Be brief.")
    store.set_messages("ada", [system, *before])
    assert store.delete_message("ada", 0) == system
    assert store.archived_messages("ada") == before


def test_behind_the_context_message_one_can_be_deleted_and_so_can_that():
    store = filled()
    said, shown = store.archived_messages("ada"), store.get_messages("ada")
    assert store.delete_message("ada", 1) == shown[1]
    first = said.index(shown[1])
    assert store.archived_messages("ada") == [*said[:first], *said[first + 1 :]]
    store.set_messages("ada", said)
    assert "<conversation_summary" in str(store.delete_message("ada", 0))
    assert store.archived_messages("ada") == shown[1:]
    session = store.session("ada")
    assert max(len(session.history(branch.id)) for branch in session.branches()) == len(said)


def test_an_answer_that_had_to_be_cut_is_not_stored_so():
    store, long = CompactionChatStore(token_limit=400), "the pier is free " * 800
    for message in (user("a"), answer("b"), user("q"), answer(long)):
        store.add_message("ada", message)
    assert len(str(store.get_messages("ada")[-1].content)) < len(long) / 2
    store.delete_message("ada", 1)
    assert store.archived_messages("ada") == [user("a"), user("q"), answer(long)]
    store.add_message("ada", user("next"), len(store.get_messages("ada")))
    assert store.archived_messages("ada") == [user("a"), user("q"), answer(long), user("next")]


def test_a_message_can_be_put_between_others():
    store = filled(2)
    before = store.get_messages("ada")
    store.add_message("ada", user("By the way."), idx=2)
    assert store.get_messages("ada") == [*before[:2], user("By the way."), *before[2:]]


def test_setting_what_it_gave_changes_nothing():
    store = filled()
    shown = store.get_messages("ada")
    store.set_messages("ada", [*shown, user("And now?")])
    assert len(store.session("ada").branches()) == 1
    assert len(store.archived_messages("ada")) == 81


@pytest.mark.parametrize("what", ["text", None, 7])
def test_what_is_no_message_is_refused(what: Any):
    store = filled(1)
    with pytest.raises(InvalidMessage):
        store.add_message("ada", what)
    with pytest.raises(InvalidMessage):
        store.set_messages("ada", [what])
    assert len(store.archived_messages("ada")) == 2


async def test_tasks_add_in_the_order_in_which_they_asked():
    store = CompactionChatStore(token_limit=1000)
    await asyncio.gather(*(store.async_add_message("ada", user(f"{n}")) for n in range(40)))
    assert texts(await store.aget_messages("ada")) == [str(n) for n in range(40)]


def test_an_archive_that_goes_away_is_told(tmp_path: Path):
    archive = open_archive(tmp_path / "chat.db")
    store = filled(1, archive=archive)
    archive.close()
    with pytest.raises(ArchiveError):
        store.add_message("ada", answer("yes"))
    again = CompactionChatStore(archive=tmp_path / "chat.db")
    assert len(again.archived_messages("ada")) == 2
    again.close()


@pytest.mark.parametrize("option", [{"drafter": 4}, {"token_limt": 5}])
def test_what_is_no_option_is_refused(option: Any):
    with pytest.raises((TypeError, ValueError), match=next(iter(option))):
        CompactionChatStore(**option)


def test_its_fields_are_dumped_without_what_was_said():
    assert filled(1).model_dump() == {
        "token_limit": 1000,
        "namespace": "default",
        "class_name": "CompactionChatStore",
    }
