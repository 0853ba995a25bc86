"""What LlamaIndex's face shows in a notebook: the session behind it, text as text."""

from __future__ import annotations

from pathlib import Path

from llamaindex_compaction import CompactionMemory, CompactionMemoryBlock
from tests.display.pages import Page, read
from tests.llamaindex.chatting import turns, user

SCRIPT = "<script>alert(1)</script>"


def page_of(html: str | None) -> Page:
    assert html is not None
    page = read(html)
    assert page.faults == []
    assert "script" not in page.tags
    return page


def test_a_memory_shows_its_session() -> None:
    memory = CompactionMemory.from_defaults(session_id=SCRIPT, token_limit=400)
    for turn in turns(20):
        memory.put_messages(turn)
    html = memory._repr_html_()
    page = page_of(html)
    assert f"Session {SCRIPT}" in page.text
    assert f"{memory.session.stats.tokens_said:,}" in page.text
    assert "found by recall" in page.text, "the fate of those that left"
    assert html == memory.session._repr_html_()


def test_a_closed_memory_is_shown_as_text(tmp_path: Path) -> None:
    """IPython takes None for: there is no such display."""
    memory = CompactionMemory.from_defaults(token_limit=400, archive=tmp_path / "a.db")
    memory.put(user("hello"))
    memory.close()
    assert memory._repr_html_() is None


async def test_a_block_shows_the_session_that_was_used_last() -> None:
    block = CompactionMemoryBlock(token_limit=600)
    assert block._repr_html_() is None, "nothing has left a queue"
    for session_id in ("ada", SCRIPT):
        await block.aput([user("hello")], from_short_term_memory=True, session_id=session_id)
    page = page_of(block._repr_html_())
    assert f"Session {SCRIPT}" in page.text
    assert "tokens in 1 messages" in page.text
    await block.aget([], session_id="ada")
    assert "Session ada" in page_of(block._repr_html_()).text
    block.close()
    assert block._repr_html_() is None
