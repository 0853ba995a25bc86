"""Training learns, and goes on where it was stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the drafter extra is not installed")
transformers = pytest.importorskip("transformers", reason="the drafter extra is not installed")

from training.tiny.model import WINDOW  # noqa: E402
from training.tiny.train import DRAFTER, Run, train  # noqa: E402


def run_in(folder: Path, share: float = 0.5) -> Run:
    torch.set_num_threads(1)
    return Run(folder, seed=2, minutes=60, rate=2e-3, batch_share=share)


def test_a_stopped_run_goes_on_from_its_checkpoint(tmp_path: Path):
    run = run_in(tmp_path)
    list(train(run, steps=2))
    again = run_in(tmp_path)
    assert again.progress == run.progress
    assert all(map(torch.equal, again.model.state_dict().values(), run.model.state_dict().values()))
    list(train(again, steps=3))
    assert run_in(tmp_path).progress.step == 3


def test_what_is_saved_loads_as_any_model_does(tmp_path: Path):
    list(train(run_in(tmp_path), steps=1))
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / DRAFTER)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / DRAFTER)
    assert model.dtype == torch.bfloat16
    assert len(tokenizer) <= model.config.vocab_size
    assert tokenizer.model_max_length == WINDOW <= model.config.max_position_embeddings
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id


@pytest.mark.slow
def test_the_loss_falls(tmp_path: Path):
    run = run_in(tmp_path, share=1.0)
    losses = [progress.loss for progress in train(run, steps=80)]
    assert losses[0] > 3
    assert losses[-1] < 0.7 * losses[0]
