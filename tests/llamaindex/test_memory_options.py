"""How a `CompactionMemory` is made: limits, archives, drafters, pins, and what is no option."""

from __future__ import annotations

from pathlib import Path

import pytest
from llama_index.core.llms import MockLLM

from context_compaction import (
    ArchiveUnavailable,
    InvalidBudget,
)
from context_compaction.testing.drafters import RaisingDrafter, ScriptedDrafter
from llamaindex_compaction import CompactionMemory
from tests.llamaindex.chatting import texts, turns, user
from tests.llamaindex.remembering import filled, tokens


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
