"""What LangChain's face shows in a notebook: the session behind it, text as text."""

from __future__ import annotations

from pathlib import Path

from langchain_core.messages import AIMessage, HumanMessage

from langchain_compaction import CompactionChatMessageHistory, ConversationCompactionMemory
from tests.display.pages import read

SCRIPT = "<script>alert(1)</script>"


def test_a_memory_shows_its_session() -> None:
    memory = ConversationCompactionMemory(max_token_limit=400)
    for number in range(20):
        memory.save_context({"input": f"{SCRIPT} {number}"}, {"output": "A long answer. " * 20})
    html = memory._repr_html_()
    assert html is not None
    page = read(html)
    assert "script" not in page.tags
    assert f"{memory.session.stats.tokens_said:,}" in page.text
    assert "found by recall" in page.text, "the fate of those that left"
    assert html == memory.session._repr_html_()


def test_a_closed_memory_is_shown_as_text(tmp_path: Path) -> None:
    """IPython takes None for: there is no such display."""
    memory = ConversationCompactionMemory(max_token_limit=400, archive=tmp_path / "a.db")
    memory.save_context({"input": "hello"}, {"output": "Good day."})
    memory.close()
    assert memory._repr_html_() is None


def test_a_history_shows_its_session() -> None:
    history = CompactionChatMessageHistory("ada", max_tokens=1000)
    history.add_messages([HumanMessage(SCRIPT), AIMessage("No.")])
    page = read(history._repr_html_())
    assert "Session ada" in page.text
    assert "tokens in 2 messages" in page.text
