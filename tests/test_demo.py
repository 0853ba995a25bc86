"""`python -m context_compaction demo`: what a newcomer sees, and what it exits with."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from context_compaction.demo.conversation import UnreadableConversation, from_json, load


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "context_compaction", "demo", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_sample_is_kept_in_its_window_and_restored() -> None:
    """Reports, final context, the early fact found, a summary expanded, totals, and the closing line."""
    done = run()
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith("restored 198 of 198 messages, all equal")
    for part in (
        "written by extractive",
        "what the model sees at the end",
        "✔",
        "original messages",
        "saved",
    ):
        assert part in done.stdout


@pytest.mark.parametrize("preset", ["masking", "truncating", "extractive", "anchored", "off"])
def test_every_preset_restores_everything(preset: str) -> None:
    """Also in a window so small that turns are refused."""
    for window in ("1024", "4096"):
        done = run("--preset", preset, "--window", window, "--trigger", "0.8")
        assert done.returncode == 0, done.stderr
        assert "restored 198 of 198 messages, all equal" in done.stdout


@pytest.mark.parametrize("window", ["1024", "8192"])
def test_the_same_run_through_a_chain_s_memory(window: str) -> None:
    """Tool calls and system messages come back equal, too."""
    done = run("--langchain", "--window", window)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "written by extractive" in done.stdout
    assert done.stdout.rstrip().endswith("restored 198 of 198 messages, all equal")


def test_without_langchain_the_demo_says_what_is_missing() -> None:
    program = "import sys; sys.modules['langchain_core'] = None\n"
    program += "from context_compaction.demo.cli import demo; sys.exit(demo(['--langchain']))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "--langchain needs langchain-core: pip install 'context-compaction[langchain]'\n"


def test_any_chat_file(tmp_path: Path) -> None:
    """A bare list of OpenAI messages is enough."""
    messages = [{"role": "user", "content": f"line {n} " + "words " * 50} for n in range(80)]
    file = tmp_path / "chat.json"
    file.write_text(json.dumps(messages))
    done = run(str(file), "--window", "2048")
    assert done.returncode == 0, done.stderr
    assert "restored 80 of 80 messages, all equal" in done.stdout


@pytest.mark.parametrize(
    ("content", "word"), [("{", "cannot read"), ('{"a": 1}', "messages"), ('[{"role": "x"}]', "role")]
)
def test_files_that_hold_no_conversation(tmp_path: Path, content: str, word: str) -> None:
    """One line that says what is wrong, exit status 2."""
    file = tmp_path / "bad.json"
    file.write_text(content)
    done = run(str(file))
    assert done.returncode == 2
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_bad_numbers_are_refused(tmp_path: Path) -> None:
    """A window that holds nothing, and a file that is not there."""
    assert "context_window" in run("--window", "0").stderr
    assert run(str(tmp_path / "none.json")).returncode == 2


def test_shipped_conversations_are_sound() -> None:
    """Questions point at messages that exist."""
    sample = load(None)
    assert len(sample.messages) >= 150
    assert all(1 <= seq <= len(sample.messages) for q in sample.questions for seq in q.evidence)
    question = sample.early_question()
    assert question is not None
    assert max(question.evidence) < 20
    with pytest.raises(UnreadableConversation):
        from_json("text", "x")
