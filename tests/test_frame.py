"""The frame of the package: a light import, exact public names, small files."""

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import context_compaction
import langchain_compaction
import llamaindex_compaction

ROOT = Path(__file__).parents[1]
PACKAGES = [ROOT / name for name in ("context_compaction", "langchain_compaction", "llamaindex_compaction")]

HEAVY = {
    "torch",
    "transformers",
    "psycopg",
    "psycopg_pool",
    "langchain",
    "langchain_core",
    "llama_index",
    "rich",
    "regex",
    "tiktoken",
    "matplotlib",
    "tqdm",
    "IPython",
}
MAX_LINES = 300

# What programs rely on: a name may be added, none of these may go.
PROMISED = {
    *("Message", "TextBlock", "ReasoningBlock", "ToolCallBlock", "ToolResultBlock", "MediaBlock"),
    *("Budget", "Policy", "Ladder", "Session", "compact", "acompact", "open_archive", "SQLiteArchive"),
    *("SummaryDrafter", "ExtractiveDrafter", "TokenCounter", "Usage", "ToolRules", "SearchHit"),
    *("CompactionEvent", "Archive", "View", "Draft", "DraftRequest"),
    *("CompactionError", "InvalidMessage", "InvalidBudget", "CannotCompact", "DuplicateMessage"),
    *("UnknownReference", "QueryError", "DrafterError", "SessionHasForks", "ArchiveError"),
    *("ArchiveUnavailable", "ArchiveCorrupt", "ArchiveTooNew", "StaleView"),
}

PROBE = """
import json, sys, time
start = time.perf_counter()
import context_compaction
ms = (time.perf_counter() - start) * 1000
print(json.dumps({"ms": ms, "roots": sorted({name.partition(".")[0] for name in sys.modules})}))
"""


@pytest.mark.parametrize(
    ("face", "framework"),
    [("langchain_compaction", "langchain_core"), ("llamaindex_compaction", "llama_index")],
)
def test_a_face_loads_nothing_either(face: str, framework: str):
    """Not even its framework, before a name of it is used."""
    probe = f"import {face}, sys; print({framework!r} in sys.modules)"
    out = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"


def test_import_loads_nothing_heavy(capsys: pytest.CaptureFixture[str]):
    """No model, driver, framework or tokenizer comes with it. The time is only printed."""
    out = subprocess.run(
        [sys.executable, "-c", PROBE], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    probe = json.loads(out)
    assert not HEAVY & set(probe["roots"])
    with capsys.disabled():
        print(f"\nimport context_compaction: {probe['ms']:.0f} ms")


@pytest.mark.parametrize("package", [context_compaction, langchain_compaction, llamaindex_compaction])
def test_public_names_are_exactly_importable(package: ModuleType):
    names = package.__all__
    assert len(names) == len(set(names))
    assert [name for name in names if not hasattr(package, name)] == []
    # Whatever else is reachable without an underscore is a submodule, not a name that slipped out.
    extra = {name for name in vars(package) if not name.startswith("_")} - set(names)
    assert {name for name in extra if not isinstance(getattr(package, name), ModuleType)} == set()


def test_promised_names_are_there():
    assert PROMISED - set(context_compaction.__all__) == set()


@pytest.mark.parametrize("name", ["layered", "masking", "truncating", "extractive", "anchored", "off"])
def test_presets_are_in_policy(name: str):
    assert callable(getattr(importlib.import_module("context_compaction.policy"), name))


def test_version_is_a_release_number():
    assert re.fullmatch(r"\d+\.\d+\.\d+", context_compaction.__version__)


def test_no_file_is_long():
    long = {
        str(path.relative_to(ROOT)): lines
        for package in PACKAGES
        for path in sorted(package.rglob("*.py"))
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MAX_LINES
    }
    assert long == {}


def test_types_are_announced():
    assert all((package / "py.typed").exists() for package in PACKAGES)
