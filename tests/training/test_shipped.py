"""The weights that ship: they load as any model does, and carry facts that they never saw."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the drafter extra is not installed")
pytest.importorskip("transformers", reason="the drafter extra is not installed")

from training.tiny.evaluate import SHIPPED, Drafted, dense, held_out, scored  # noqa: E402


@pytest.fixture(scope="module")
def drafter() -> Drafted:
    torch.set_num_threads(1)
    return Drafted.load(SHIPPED)


def test_they_are_small_and_say_what_they_were_trained_for(drafter: Drafted):
    folder = Path(str(files("context_compaction.demo") / "tiny"))
    assert folder == SHIPPED
    assert sum(file.stat().st_size for file in folder.iterdir()) < 3_000_000
    config = json.loads((folder / "config.json").read_text("utf-8"))
    assert config["model_type"] == "qwen3"
    assert drafter.tokenizer.model_max_length <= config["max_position_embeddings"]


def test_facts_of_conversations_that_they_never_saw_are_copied(drafter: Drafted):
    score = scored(drafter, dense(2, 30))
    assert score.facts >= 40
    assert score.copied >= 0.85 * score.facts
    assert score.invented <= 0.15 * score.facts
    assert score.stopped == score.sections


@pytest.mark.slow
def test_lines_of_summaries_are_carried_on(drafter: Drafted):
    window = int(drafter.tokenizer.model_max_length)
    score = scored(drafter, held_out(drafter.tokenizer, 10, (200, window)))
    assert score.facts >= 15
    assert score.copied >= 0.9 * score.facts
