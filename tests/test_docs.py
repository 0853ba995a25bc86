"""Documentation runs: every fenced ``python`` block is a program of its own.

Each block runs in a fresh interpreter and an empty directory, warnings are errors. A block marked
``python no-run`` is only compiled.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parents[1]
FENCE = re.compile(
    r"^(?P<indent>[ \t]*)```python(?P<mark>[^\n`]*)\n(?P<code>.*?)^(?P=indent)```[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
SECONDS = 120


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block, and where it stands."""

    path: Path
    line: int
    code: str
    runs: bool

    @property
    def name(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"

    def compile(self) -> None:
        compile(self.code, self.name, "exec")


def blocks_of(path: Path) -> list[Block]:
    """The blocks of one page; a mark that is not known is an error, not a block that silently runs."""
    text = path.read_text(encoding="utf-8")
    found: list[Block] = []
    for match in FENCE.finditer(text):
        mark = match["mark"].strip()
        assert mark in {"", "no-run"}, f"{path}: unknown mark {mark!r} behind ```python"
        line = text.count("\n", 0, match.start("code")) + 1
        found.append(Block(path, line, dedent(match["code"]), runs=not mark))
    return found


def pages() -> list[Path]:
    named = [page for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md") if page.exists()]
    return named + sorted((ROOT / "docs").rglob("*.md"))


BLOCKS = [block for page in pages() for block in blocks_of(page)]


def test_readme_has_a_block_that_runs():
    assert any(block.runs for block in blocks_of(ROOT / "README.md"))


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_block(block: Block, tmp_path: Path):
    block.compile()
    if not block.runs:
        return
    home = tmp_path / "here"
    home.mkdir()
    # Blank lines in front: a traceback shows the line of the page.
    program = tmp_path / f"{block.path.stem}_block.py"  # langchain.py would hide the package
    program.write_text("\n" * (block.line - 1) + block.code, encoding="utf-8")
    env = {key: value for key, value in os.environ.items() if not key.startswith("CONTEXT_COMPACTION_")}
    done = subprocess.run(
        [sys.executable, "-W", "error", str(program)],
        cwd=home,
        env=env | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{block.name}\n{done.stdout}{done.stderr}"


def test_fences_are_found_where_they_stand(tmp_path: Path):
    """The reader itself: marks, indentation and line numbers."""
    page = tmp_path / "page.md"
    page.write_text(
        "# A page\n\n```python\na = 1\n```\n\n- item\n\n  ```python no-run\n  b = (\n      2)\n  ```\n\n"
        "```bash\nls\n```\n\n```pycon\n>>> 1\n```\n",
        encoding="utf-8",
    )
    first, second = blocks_of(page)
    assert (first.line, first.code, first.runs) == (4, "a = 1\n", True)
    assert (second.line, second.code, second.runs) == (10, "b = (\n    2)\n", False)


def test_an_unknown_mark_is_an_error(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("```python norun\n1\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="unknown mark"):
        blocks_of(page)
