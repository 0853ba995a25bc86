"""`CompactionMemory` as LlamaIndex calls it: what it shows fits, what was said stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llama_index.core.base.llms.types import ChatMessage, TextBlock
from llama_index.core.llms import MockLLM
from llama_index.core.memory import BaseMemory

from context_compaction import (
    ArchiveUnavailable,
    CannotCompact,
    InvalidBudget,
    InvalidMessage,
    Policy,
    TokenCounter,
    open_archive,
)
from context_compaction.testing.drafters import RaisingDrafter, ScriptedDrafter
from llamaindex_compaction import CompactionMemory, MissingArchive
from llamaindex_compaction.messages import read_all
from tests.checker import independent_count
from tests.llamaindex import said
from tests.llamaindex.chatting import answer, called, result, texts, tool_turns, turns, user


def memory_of(messages: list[ChatMessage], **options: Any) -> CompactionMemory:
    memory = CompactionMemory.from_defaults(**{"token_limit": 1000, **options})
    memory.put_messages(messages)
    return memory


def filled(count: int = 40, **options: Any) -> CompactionMemory:
    memory = CompactionMemory.from_defaults(**{"token_limit": 1000, **options})
    for turn in turns(count):
        memory.put_messages(turn)
    return memory


def tokens(messages: list[ChatMessage]) -> int:
    """By a count that is not the package's."""
    return independent_count([message.to_openai() for message in read_all(messages)])


# -- what is shown ---------------------------------------------------------------------------------------


def test_it_is_a_memory_and_true_while_empty():
    """Agents take a false memory for none, and put a default one in its place."""
    memory = CompactionMemory.from_defaults()
    assert isinstance(memory, BaseMemory)
    assert memory
    assert memory.get() == []


def test_what_fits_is_shown_as_it_was_put():
    [turn, *_] = turns(1)
    assert memory_of(turn).get() == turn


def test_what_is_shown_stays_under_the_limit_and_nothing_is_lost():
    memory = CompactionMemory.from_defaults(token_limit=1000)
    put: list[ChatMessage] = []
    for turn in [*turns(30), *tool_turns(10)]:
        for message in turn:
            memory.put(message)
            put.append(message)
            assert tokens(memory.get()) <= 1000
    assert memory.get_all() == put
    assert any(event.committed for event in memory.session.events)


def test_the_context_stands_in_one_user_message_at_the_beginning():
    """Not in a system message: ReActAgent drops the first of those."""
    first, *rest = filled().get()
    assert (first.role, first.additional_kwargs) == ("user", {})
    assert str(first.content).startswith("<conversation_summary")
    assert all("<conversation_summary" not in str(message.content) for message in rest)


def test_a_system_message_stays_first_word_for_word():
    system = ChatMessage(role="system", content="You speak of boats only.")
    memory = CompactionMemory.from_defaults(token_limit=1000)
    memory.put(system)
    for turn in turns(40):
        memory.put_messages(turn)
    first, second, *_ = memory.get()
    assert first == system
    assert second.role == "user"


def test_getting_twice_gives_the_same_and_compacts_once():
    """Agents ask once before each model call."""
    memory = filled()
    memory.put(user("And now?"))
    first, events = memory.get(), len(memory.session.events)
    assert [memory.get(), memory.get("And now?"), memory.get(input="And now?")] == [first] * 3
    assert len(memory.session.events) == events


def test_what_is_got_can_be_written_into():
    """`setup_agent` writes its state into the last message."""
    memory = memory_of([user("first"), answer("yes"), user("second")])
    before = memory.get()
    got = memory.get()
    block = got[-1].blocks[0]
    assert isinstance(block, TextBlock)
    block.text = "Current state: {} Current message: second"
    got[0].additional_kwargs["mine"] = 1
    assert memory.get() == before
    assert memory.get_all() == before


def test_between_compactions_the_beginning_stays_as_it_was():
    """Providers cache what a request begins with."""
    memory = CompactionMemory.from_defaults(token_limit=1000)
    before: list[ChatMessage] = []
    version, changed = memory.session.view.version, 0
    for turn in turns(40):
        memory.put_messages(turn)
        got = memory.get()
        if memory.session.view.version == version:
            assert got[: len(before)] == before
        else:
            changed += 1
        before, version = got, memory.session.view.version
    assert 1 <= changed <= 15


def test_templates_in_a_summary_are_none():
    """Chat engines put the history through a template of theirs."""
    drafter = ScriptedDrafter("## Current State\n- The {context_str} of {query_str} is {context_str}.")
    memory = filled(drafter=drafter)
    head = str(memory.get()[0].content)
    assert "context_str" in head
    assert "{context_str}" not in head
    assert "{query_str}" not in head


def test_calls_and_results_stay_together():
    memory = CompactionMemory.from_defaults(token_limit=1000)
    for turn in tool_turns(30):
        memory.put_messages(turn)
        open_calls: set[str | None] = set()
        for message in memory.get():
            if message.role == "tool":
                open_calls.remove(message.additional_kwargs["tool_call_id"])
            else:
                assert not open_calls
                calls = (block for block in message.blocks if block.block_type == "tool_call")
                open_calls = {block.tool_call_id for block in calls}
        assert not open_calls


# -- what it is asked with -------------------------------------------------------------------------------


def test_room_is_left_for_what_it_is_asked_with():
    """Chat engines with context ask before they put the user's message."""
    memory = filled(8, token_limit=1000)
    asked = "And tell me of each boat at length. " * 60
    room = 1000 - TokenCounter.of(None).text(asked)
    assert tokens(memory.get()) > room
    assert tokens(memory.get(input=asked)) <= room


def test_what_is_asked_about_stands_last_and_fits():
    """Chat engines put the question behind what the memory gives."""
    memory = filled(40, token_limit=2000, drafter=ScriptedDrafter("## Current State\n- Boats float."))
    asked = "Who is captain 3, of boat 3?"
    got = memory.get(input=asked)
    assert "Boat 3 has captain 3." in str(got[-1].content)
    assert str(got[-1].content).startswith("<recalled")
    assert got[:-1] == memory.get()
    assert tokens(got) <= 2000
    memory.set(got)
    assert len(memory.get_all()) == 80
    assert len(memory.session.branches()) == 1


def test_the_newest_question_takes_its_room_once():
    """Agents ask with the question that they have put."""
    memory = filled(4, token_limit=1000)
    asked = "And tell me of each boat at length. " * 40
    memory.put(user(asked))
    whole = memory.get()
    assert len(whole) == 9
    assert memory.get(input=asked) == whole
    assert memory.get(input=user(asked)) == whole  # type: ignore[arg-type]


def test_room_is_left_for_the_askers_prompt():
    memory = filled(8, token_limit=1000)
    assert tokens(memory.get(initial_token_count=600)) <= 400


@pytest.mark.parametrize("count", [1000, 10**9])
def test_a_prompt_over_the_limit_raises_nothing(count: int):
    """ChatMemoryBuffer raises `ValueError` for it."""
    memory = filled(8, token_limit=1000)
    memory.put(user("And now?"))
    assert memory.get(initial_token_count=count)[-1] == user("And now?")


def test_edits_are_asked_for_as_of_providers():
    memory = filled(25, token_limit=4000)
    assert len(memory.get()) == 50
    edits = [{"type": "compaction", "compact_threshold": 1500}]
    assert len(memory.get(context_management=edits)) < 50


def test_other_arguments_are_taken():
    """The base class promises them."""
    assert CompactionMemory.from_defaults().get(anything=1) == []


def test_the_newest_question_is_never_gone():
    memory = filled(5)
    memory.put(user("Is the last boat afloat? " + "Think of it. " * 2000))
    got = memory.get()
    assert str(got[-1].content).startswith("Is the last boat afloat?")
    assert tokens(got) <= 1000


def test_an_answer_over_the_limit_is_shown_with_head_and_tail():
    """The chat goes on, whatever a model said."""
    memory = memory_of([user("Tell me all."), answer("It begins. " + "so on " * 4000 + "It ends.")])
    assert tokens(memory.get()) <= 1000
    last = str(memory.get()[-1].content)
    assert last.startswith("It begins.")
    assert last.endswith("It ends.")
    memory.put(user("And now?"))
    assert memory.get()[-1] == user("And now?")


def test_what_cannot_fit_is_told():
    memory = memory_of([ChatMessage(role="system", content="rule " * 2000), user("hello")])
    with pytest.raises(CannotCompact):
        memory.get()
    assert len(memory.get_all()) == 2


def test_a_tokenizer_of_ones_own_counts():
    memory = filled(10, token_limit=400, tokenizer_fn=str.split)
    words = sum(len(str(message.content).split()) for message in memory.get())
    assert words <= 400
    assert memory.tokenizer_fn("one two") == ["one", "two"]


def test_chat_engines_can_call_its_tokenizer():
    """They count their prompt with it."""
    assert len(CompactionMemory.from_defaults().tokenizer_fn("one two three")) == 3


# -- how it is made --------------------------------------------------------------------------------------


def test_the_limit_is_of_the_models_window():
    llm = MockLLM()
    assert CompactionMemory.from_defaults(llm=llm).token_limit == int(llm.metadata.context_window * 0.75)
    assert CompactionMemory.from_defaults().token_limit == 30_000


def test_no_limit_at_all_is_refused():
    with pytest.raises(InvalidBudget):
        CompactionMemory.from_defaults(token_limit=0)


def test_what_is_no_option_is_refused():
    with pytest.raises(ValueError, match="token_flush_size"):
        CompactionMemory.from_defaults(token_flush_size=3)


def test_an_archive_that_cannot_be_opened(tmp_path: Path):
    with pytest.raises(ArchiveUnavailable):
        CompactionMemory.from_defaults(archive=tmp_path / "none" / "chat.db")


def test_a_history_given_again_is_not_said_again(tmp_path: Path):
    """A program that starts again gives the history that it began with."""
    [one, two] = turns(2)
    path = tmp_path / "chat.db"
    for _ in range(2):
        CompactionMemory.from_defaults(session_id="s1", archive=path, chat_history=one).close()
    memory = CompactionMemory.from_defaults(session_id="s1", archive=path)
    assert memory.get_all() == one
    memory.put_messages(two)
    memory.close()
    again = CompactionMemory.from_defaults(session_id="s1", archive=path, chat_history=one)
    assert again.get_all() == [*one, *two]
    again.close()


def test_a_model_writes_the_summaries():
    drafter = ScriptedDrafter("## Current State\n- Captains own boats.")
    assert "Captains own boats." in str(filled(drafter=drafter).get()[0].content)


def test_a_drafter_that_raises_fails_no_turn_and_loses_nothing():
    memory = filled(drafter=RaisingDrafter())
    assert len(memory.get_all()) == 80
    assert tokens(memory.get()) <= 1000
    assert "fell_back" in {event.outcome for event in memory.session.events}


def test_pins_stay_word_for_word():
    memory = CompactionMemory.from_defaults(token_limit=1000, is_pinned=lambda m: "harbour rule" in m.text)
    memory.put(user("Mind the harbour rule: boats keep left."))
    for turn in turns(40):
        memory.put_messages(turn)
    assert "Mind the harbour rule: boats keep left." in "\n".join(map(str, texts(memory.get())))


def test_what_has_left_can_be_recalled():
    memory = filled()
    assert "captain 3." in str(memory.recall("Boat 3 captain")[0])


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
