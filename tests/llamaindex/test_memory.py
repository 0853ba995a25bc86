"""`CompactionMemory` as LlamaIndex calls it: what it shows fits, what was said stays."""

from __future__ import annotations

import pytest
from llama_index.core.base.llms.types import ChatMessage, TextBlock
from llama_index.core.memory import BaseMemory

from context_compaction import (
    CannotCompact,
    TokenCounter,
)
from context_compaction.testing.drafters import ScriptedDrafter
from llamaindex_compaction import CompactionMemory
from tests.llamaindex.chatting import answer, called, result, tool_turns, turns, user
from tests.llamaindex.remembering import filled, memory_of, tokens


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


def test_a_question_asked_again_takes_its_room_again():
    """It was answered; in the same words it is another one, which is not put yet."""
    memory = filled(8, token_limit=1000)
    asked = "And tell me of each boat at length. " * 40
    memory.put_messages([user(asked), answer("They float.")])
    room = 1000 - TokenCounter.of(None).text(asked)
    assert tokens(memory.get(input=asked)) <= room


def test_a_question_that_was_cut_once_stays_so():
    """With an asker's prompt it had to be; without one there is more room, and it is no error."""
    memory = memory_of([user("do it " * 60), called("a"), result("a", "out " * 300)], token_limit=400)
    memory.put_messages([called("b"), result("b", "out " * 300)])
    assert tokens(memory.get(initial_token_count=110)) <= 290
    memory.put(answer("fine " * 50))
    assert tokens(memory.get()) <= 400


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
