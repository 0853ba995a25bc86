"""Step, retriever and importers with nothing but langchain-core installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

PROGRAM = dedent(
    """
    import sys

    for name in ("langchain", "langchain_classic", "langchain_community", "langgraph", "sqlalchemy"):
        sys.modules[name] = None  # as if it were not installed

    from langchain_core.messages import HumanMessage
    from langchain_compaction import ArchiveRetriever, compact_messages, import_history, import_sql_histories
    from context_compaction import Budget, Session

    talk = [HumanMessage(f"the lighthouse {place} " * 30) for place in range(30)]
    assert len(compact_messages(talk, max_tokens=500)) < 30
    with Session("chat.db", budget=Budget(context_window=8192)) as session:
        assert import_history(session, talk) == 30
        assert len(ArchiveRetriever(session=session).invoke("lighthouse")) == 4
    try:
        import_sql_histories("chat.db", "postgresql://nowhere/db")
    except ImportError as error:
        print(error)
    """
)


def test_with_the_core_alone_and_without_a_warning(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stderr == ""
    assert run.stdout == (
        "reading a database by its URL needs sqlalchemy, which is not installed: pip install sqlalchemy\n"
    )
