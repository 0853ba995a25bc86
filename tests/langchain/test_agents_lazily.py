"""LangChain itself is loaded with the first name for agents, and is named if it is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[2]


def run(program: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", dedent(program)],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


def test_other_names_do_not_load_it(tmp_path: Path):
    program = """
    import sys

    from langchain_compaction import MissingWindow, Sessions, compact_messages

    print({"langchain", "langgraph"} & {name.partition(".")[0] for name in sys.modules})
    """
    assert run(program, tmp_path) == "set()\n"


def test_without_it_an_error_says_so(tmp_path: Path):
    program = """
    import sys

    class Missing:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] == "langchain":
                raise ModuleNotFoundError(name)

    sys.meta_path.insert(0, Missing())
    import langchain_compaction

    try:
        langchain_compaction.create_recall_tool
    except ImportError as error:
        print(type(error).__name__, error)
    """
    said = "MissingPackage a middleware or tool for agents needs langchain, which is not installed"
    assert run(program, tmp_path).startswith(said)
