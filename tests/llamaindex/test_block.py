"""`CompactionMemoryBlock` in LlamaIndex's `Memory`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage
from llama_index.core.memory import Memory

from context_compaction import TokenCounter, open_archive
from context_compaction.testing.drafters import RaisingDrafter, ScriptedDrafter
from llamaindex_compaction import CompactionMemoryBlock
from tests.llamaindex.chatting import texts, turns, user

Stock = Callable[..., Memory]
COUNT = TokenCounter.of(None)


def memory_of(stock: Stock, block: CompactionMemoryBlock, session_id: str = "ada") -> Memory:
    return stock(
        session_id=session_id,
        token_limit=1000,
        token_flush_size=300,
        chat_history_token_ratio=0.5,
        memory_blocks=[block],
    )


async def filled(stock: Stock, block: CompactionMemoryBlock, count: int = 40) -> Memory:
    memory = memory_of(stock, block)
    for turn in turns(count):
        await memory.aput_messages(turn)
    return memory


async def shown_by(memory: Memory, **asked: Any) -> str:
    return "\n".join(str(message.content) for message in await memory.aget(**asked))


async def test_what_left_the_queue_is_kept_as_it_was_and_shown_condensed(stock: Stock):
    block = CompactionMemoryBlock(token_limit=600)
    memory = await filled(stock, block)
    active = texts(await memory.aget_all())
    kept = [message.text for message in block.session("ada").history()]
    assert kept == active[: len(kept)]
    assert len(kept) > 60
    content = await block.aget([], session_id="ada")
    assert COUNT.text(content) <= 600
    assert "<conversation_summary" in content
    assert content in await shown_by(memory)


async def test_nothing_is_shown_while_nothing_has_left(stock: Stock):
    block = CompactionMemoryBlock()
    memory = await filled(stock, block, count=1)
    assert "EarlierConversation" not in await shown_by(memory)


async def test_what_fits_the_question_is_shown_word_for_word(stock: Stock):
    block = CompactionMemoryBlock(
        token_limit=1500, drafter=ScriptedDrafter("## Current State\n- Boats float.")
    )
    memory = await filled(stock, block, count=60)
    asked = [user("Who is captain 3, of boat 3?")]
    assert "Boat 3 has captain 3." in await block.aget(asked, session_id="ada")
    assert "Boat 3 has captain 3." not in await block.aget([], session_id="ada")
    assert "Boat 3 has captain 3." in await shown_by(memory, input="Who is captain 3, of boat 3?")


async def test_none_is_looked_for_if_none_is_wanted(stock: Stock):
    drafter = ScriptedDrafter("## Current State\n- Boats float.")
    block = CompactionMemoryBlock(token_limit=1500, drafter=drafter, found=0)
    await filled(stock, block, count=60)
    asked = [user("Who is captain 3, of boat 3?")]
    assert await block.aget(asked, session_id="ada") == await block.aget([], session_id="ada")


@pytest.mark.parametrize("option", [{"token_limt": 5}, {"found": -1}])
def test_what_is_no_option_is_refused(option: Any):
    with pytest.raises(ValueError, match=next(iter(option))):
        CompactionMemoryBlock(**option)


async def test_a_summary_that_fails_loses_nothing_and_fails_no_turn(stock: Stock):
    """A block that raises loses its batch: `Memory` has archived it by then."""
    block = CompactionMemoryBlock(token_limit=600, drafter=RaisingDrafter())
    await filled(stock, block)
    assert len(block.session("ada").history()) > 60


async def test_an_archive_that_fails_fails_no_turn(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    """What it did not take is taken with what comes next."""
    archive = open_archive(tmp_path / "chat.db")
    block = CompactionMemoryBlock(archive=archive)
    first, second = turns(2)
    session = block.session("ada")
    with monkeypatch.context() as full:
        full.setattr(session, "aappend", _unavailable)
        await block.aput(first, session_id="ada")
    assert "2 messages wait" in caplog.text
    await block.aput(second, session_id="ada")
    assert [message.text for message in session.history()] == texts([*first, *second])
    archive.close()


async def _unavailable(_: object) -> None:
    from context_compaction import ArchiveUnavailable

    raise ArchiveUnavailable("full")


async def test_two_sessions_share_a_block_and_see_nothing_of_each_other(stock: Stock):
    """VectorMemoryBlock showed one session's words in the other's prompt."""
    block = CompactionMemoryBlock(token_limit=600)
    ada, bob = memory_of(stock, block, "ada"), memory_of(stock, block, "bob")
    for memory, who in ((ada, "Ada"), (bob, "Bob")):
        for turn in turns(20):
            said = [ChatMessage(role=m.role, content=f"{who}: {m.content}") for m in turn]
            await memory.aput_messages(said)
    assert "Bob" not in await shown_by(ada, input="Bob, boat 3")
    assert "Ada" not in await shown_by(bob, input="Ada, boat 3")


async def test_templates_in_it_are_none(stock: Stock):
    """`Memory` puts blocks through a template of its own."""
    block = CompactionMemoryBlock(token_limit=600)
    await block.aput([user("I write {{ block_name }} and {% if %}.")], session_id="ada")
    memory = memory_of(stock, block)
    await memory.aput(user("So?"))
    assert "I write {{ block_name }} and {% if %}." in await shown_by(memory)


async def test_it_can_be_cut():
    """`Memory` cuts blocks with a priority."""
    block = CompactionMemoryBlock(priority=1)
    text = "word " * 1000
    cut = await block.atruncate(text, 400)
    assert cut is not None
    assert text.startswith(cut)
    assert 400 < COUNT.text(cut) <= 610
    assert await block.atruncate(text, 5000) is None


async def test_a_block_that_accepts_nothing_is_given_nothing(stock: Stock):
    block = CompactionMemoryBlock(accept_short_term_memory=False)
    await filled(stock, block)
    assert block.session("ada").history() == []
    block.close()
