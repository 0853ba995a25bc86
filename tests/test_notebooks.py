"""The notebooks run from top to bottom, in a kernel of their own, and say nothing on standard error."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LARGEST = 400_000
"""Bytes of a notebook with its outputs."""
SECONDS = 280

by_name = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def run(path: Path) -> subprocess.CompletedProcess[str]:
    # Nothing is fetched: what a machine without a network has to bear.
    env = {key: value for key, value in os.environ.items() if not key.startswith("CONTEXT_COMPACTION_")}
    env |= {"HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "notebooks/run.py", str(path)]
    return subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, encoding="utf-8", timeout=SECONDS, check=False
    )


@by_name
def test_it_runs(path: Path) -> None:
    before = path.read_bytes()
    done = run(path)
    assert done.returncode == 0, done.stderr[-4000:]
    assert f"{path.name}: ran" in done.stdout
    assert path.read_bytes() == before, "outputs are written only when asked"


@by_name
def test_its_outputs_are_there_and_small(path: Path) -> None:
    """Of every code cell that shows something; none is an error, or of one machine alone."""
    cells: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in code), "run it with --write"
    outputs = [output for cell in code for output in cell["outputs"]]
    assert outputs
    assert {output["output_type"] for output in outputs} <= {"stream", "execute_result", "display_data"}
    assert path.stat().st_size < LARGEST
    said = json.dumps(outputs)
    assert [place for place in (str(ROOT), str(Path.home()), sys.prefix) if place in said] == []
    assert re.findall(r"<\w[\w.]* at 0x[0-9a-f]+", said) == []


@pytest.mark.parametrize(
    ("code", "said"), [("1 / 0", "ZeroDivisionError"), ("import warnings; warnings.warn('old')", "old")]
)
def test_a_cell_that_fails_or_warns_is_a_failure(code: str, said: str, tmp_path: Path) -> None:
    """The runner itself."""
    cell = {
        "cell_type": "code",
        "id": "a",
        "source": code,
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
    made = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path = tmp_path / "bad.ipynb"
    path.write_text(json.dumps(made), encoding="utf-8")
    done = run(path)
    assert done.returncode == 1
    assert said in done.stderr
