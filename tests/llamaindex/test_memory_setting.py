"""A `CompactionMemory` is set, reset, given what is odd, and written down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llama_index.core.base.llms.types import ChatMessage

from context_compaction import (
    InvalidMessage,
    Policy,
    open_archive,
)
from llamaindex_compaction import CompactionMemory, MissingArchive
from tests.llamaindex import said
from tests.llamaindex.chatting import answer, called, result, texts, turns, user
from tests.llamaindex.remembering import filled, memory_of, tokens

# -- set and reset ---------------------------------------------------------------------------------------


def test_setting_what_it_gave_changes_nothing():
    """``agent.run(chat_history=memory.get())`` sets it on every run."""
    memory = filled()
    before, shown = memory.get_all(), memory.get()
    memory.set(shown)
    memory.set(before)
    assert (memory.get_all(), memory.get(), len(memory.session.branches())) == (before, shown, 1)


def test_setting_a_list_that_grew_adds_what_is_new():
    memory = filled(3)
    put = memory.get_all()
    memory.set([*put, user("And now?")])
    assert memory.get_all() == [*put, user("And now?")]
    assert len(memory.session.branches()) == 1


LONG = "".join(f"The pier number {number} is free and dry. " for number in range(600))


def cut() -> tuple[CompactionMemory, list[ChatMessage]]:
    """A memory whose last answer is over its limit, with everything put into it."""
    said = [*[message for turn in turns(8) for message in turn], user("Which piers?"), answer(LONG)]
    return memory_of(said), said


def test_setting_what_had_to_be_cut_changes_nothing():
    """No view shows it: what comes back is known by what it was made of."""
    memory, put = cut()
    shown = memory.get()
    assert tokens(shown) <= 1000
    assert 0 < len(str(shown[-1].content)) < len(LONG) / 2
    memory.set(shown)
    assert (memory.get_all(), len(memory.session.branches())) == (put, 1)
    memory.set([*shown, user("And now?")])
    assert (memory.get_all(), len(memory.session.branches())) == ([*put, user("And now?")], 1)
    memory.set([*memory.get()[1:], answer("Nothing.")])
    assert (memory.get_all()[-2:], len(memory.session.branches())) == (
        [user("And now?"), answer("Nothing.")],
        1,
    )


def test_an_answer_that_had_to_be_cut_can_be_replaced():
    memory, put = cut()
    memory.set([*memory.get()[:-1], answer("None.")])
    assert memory.get_all() == [*put[:-1], answer("None.")]
    memory.set(put)
    assert memory.get_all() == put


def test_what_is_left_of_it_is_as_it_was_said():
    memory, _ = cut()
    question, shortened = memory.get()[-2:]
    memory.set([user("First of all."), question, shortened])
    assert memory.get_all() == [user("First of all."), user("Which piers?"), answer(LONG)]


def test_setting_the_end_of_the_list_changes_nothing():
    memory = filled(3)
    put = memory.get_all()
    memory.set(put[-2:])
    assert memory.get_all() == put


def test_setting_another_list_deletes_nothing():
    memory = filled(3)
    put = memory.get_all()
    other = [*put[:2], user("Another question.")]
    memory.set(other)
    assert memory.get_all() == other
    first, second = memory.session.branches()
    assert [len(memory.session.history(branch.id)) for branch in (first, second)] == [6, 3]


@given(st.lists(said.messages, max_size=4))
@settings(max_examples=20)
def test_whatever_is_put_can_be_set_again(messages: list[ChatMessage]):
    memory = memory_of(messages, token_limit=1_000_000)
    memory.set(memory.get_all())
    assert len(memory.session.branches()) == 1
    assert all(map(said.alike, memory.get_all(), messages))
    memory.close()


def test_a_reset_erases_and_the_memory_goes_on():
    memory = filled()
    memory.reset()
    assert (memory.get(), memory.get_all(), memory.recall("captain")) == ([], [], [])
    memory.put(user("hello"))
    assert texts(memory.get()) == ["hello"]


def test_a_reset_that_keeps():
    memory = filled(3)
    memory.reset(archive="keep")
    assert memory.get_all() == []
    assert len(memory.session.history(memory.session.branches()[0].id)) == 6


def test_a_reset_of_another_kind_erases_nothing():
    memory = filled(3)
    with pytest.raises(ValueError, match="'forget' or 'keep', not 'Keep'"):
        memory.reset(archive="Keep")  # type: ignore[arg-type]
    assert len(memory.get_all()) == 6


def test_our_own_line_is_never_said():
    """That the conversation begins with the assistant: neither to another memory nor behind a message."""
    memory = memory_of([answer("How can I help?"), user("a boat")])
    shown = memory.get()
    assert "begins with the assistant" in str(shown[0].content)
    other = CompactionMemory.from_defaults(chat_history=shown)
    assert other.get_all() == memory.get_all()
    memory.set([user("Hello."), *shown])
    assert texts(memory.get_all()) == ["Hello.", "How can I help?", "a boat"]


def test_another_memory_of_the_session_may_erase_it(tmp_path: Path):
    archive = open_archive(tmp_path / "chat.db")
    one = CompactionMemory.from_defaults(session_id="s", archive=archive)
    two = CompactionMemory.from_defaults(session_id="s", archive=archive)
    one.put(user("hello"))
    two.reset()
    one.put(user("again"))
    assert texts(one.get()) == ["again"]
    archive.close()


# -- bad input -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["text", None, {"role": "user", "content": "a"}, 7])
def test_what_is_no_message_is_refused_and_nothing_of_it_kept(what: Any):
    memory = memory_of([user("hello")])
    with pytest.raises(InvalidMessage, match="message 1"):
        memory.put_messages([user("and"), what])
    with pytest.raises(InvalidMessage):
        memory.put(what)
    with pytest.raises(InvalidMessage):
        memory.set([what])
    assert texts(memory.get_all()) == ["hello"]


def test_putting_nothing_is_nothing():
    """Memory's store raises an `IntegrityError`."""
    memory = memory_of([user("hello")])
    memory.put_messages([])
    assert texts(memory.get_all()) == ["hello"]


def test_messages_that_say_nothing_are_kept():
    said_ = [user(""), ChatMessage(role="assistant", blocks=[]), called("c1"), result("c1", ""), user("so?")]
    assert memory_of(said_).get_all() == said_


def test_a_result_without_a_call_is_shown_as_quoted_text():
    got = memory_of([user("go"), result("unknown", "42"), user("so?")]).get()
    assert [message.role.value for message in got] == ["user", "user", "user"]
    assert "42" in str(got[1].content)


# -- written down ----------------------------------------------------------------------------------------


def test_a_memory_in_memory_is_written_down_whole():
    memory = filled()
    data = json.loads(json.dumps(memory.to_dict()))
    shown, put = memory.get(), memory.get_all()
    assert CompactionMemory.from_dict(data) is memory
    memory.close()
    again = CompactionMemory.from_dict(data)
    assert (again.get(), again.get_all()) == (shown, put)
    assert (again.session_id, again.token_limit) == (memory.session_id, memory.token_limit)
    assert data["class_name"] == "CompactionMemory"
    again.close()


def test_a_memory_in_a_file_is_written_down_as_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    memory = filled(archive="chat.db", session_id="s1", namespace="ann")
    text, shown = memory.to_string(), memory.get()
    memory.close()
    monkeypatch.chdir("/")
    assert len(text) < 500
    again = CompactionMemory.from_string(text)
    assert again.get() == shown
    again.close()


def test_a_memory_in_an_archive_of_yours_asks_for_it_again():
    archive = open_archive(":memory:")
    memory = filled(archive=archive)
    data, shown = memory.to_dict(), memory.get()
    memory.close()
    with pytest.raises(MissingArchive, match=memory.session_id):
        CompactionMemory.from_dict(data)
    assert CompactionMemory.from_dict(data, archive=archive).get() == shown


def test_what_is_no_data_is_given_again():
    policy = Policy.truncating()
    assert CompactionMemory.from_dict(filled(2).to_dict(), policy=policy).policy is policy


def test_its_fields_are_dumped_without_what_was_said():
    assert filled(2, session_id="s").model_dump() == {
        "session_id": "s",
        "namespace": "default",
        "token_limit": 1000,
        "class_name": "CompactionMemory",
    }
