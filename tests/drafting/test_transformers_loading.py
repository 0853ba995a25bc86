"""Where the model of a `TransformersDrafter` comes from, and what is said when it cannot be had."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from context_compaction import DrafterError, TransformersDrafter
from tests.drafting.asking import session
from tests.drafting.models import model, saved, tokenizer, torch


def test_loaded_from_a_directory_and_warm(tmp_path: Path):
    made = TransformersDrafter(saved(tmp_path / "little")).warmup()
    assert made.name == "little"
    assert made.window == 4096
    assert made.counter.text("the port") == len(tokenizer().encode("the port"))
    made.close()


def broken(folder: Path, how: str) -> Path:
    saved(folder)
    config = json.loads((folder / "config.json").read_text())
    if how == "no config":
        (folder / "config.json").unlink()
    elif how == "corrupt weights":
        weights = folder / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:100])
    elif how == "no causal model":
        config["model_type"], config["architectures"] = "vit", ["ViTModel"]
        (folder / "config.json").write_text(json.dumps(config))
    elif how == "unknown architecture":
        config["model_type"] = "neverheardof"
        (folder / "config.json").write_text(json.dumps(config))
    elif how == "no tokenizer":
        for file in folder.glob("token*"):
            file.unlink()
    return folder


@pytest.mark.parametrize(
    "how", ["no config", "corrupt weights", "no causal model", "unknown architecture", "no tokenizer"]
)
def test_a_model_that_cannot_be_loaded_is_a_typed_error_and_the_turn_goes_on(tmp_path: Path, how: str):
    made = TransformersDrafter(broken(tmp_path / "model", how))
    with pytest.raises(DrafterError, match=r"^model cannot be loaded: .+\. Give "):
        made.warmup()
    with session(made) as talk:
        event = talk.compact()
    assert (event.committed, event.writer, event.fell_back_from) == (True, "extractive", ("model",))
    assert "cannot be loaded" in event.reason


@pytest.mark.parametrize("source", ["/nowhere/at/all", "./nowhere", Path("nowhere"), "~/nowhere"])
def test_a_missing_path(source: Any):
    with pytest.raises(DrafterError, match=r"^\S+ cannot be loaded: there is no .*(?:nowhere|all)\. Give "):
        TransformersDrafter(source).warmup()
    with pytest.raises(DrafterError, match="there is no"):
        TransformersDrafter(model(), tokenizer=source).warmup()


def test_a_hub_that_cannot_be_reached():
    with pytest.raises(DrafterError, match=r"^no-such-owner/no-such-model cannot be loaded: .* Give "):
        TransformersDrafter("no-such-owner/no-such-model", local_files_only=True).warmup()


def test_a_loaded_model_needs_its_tokenizer():
    with pytest.raises(DrafterError, match="tokenizer="):
        TransformersDrafter(model()).warmup()


def test_no_memory_to_load_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from context_compaction.drafting.transformers import loading

    def refuse(*_: Any, **__: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")

    monkeypatch.setattr(loading.transformers.AutoModelForCausalLM, "from_pretrained", refuse)
    with pytest.raises(DrafterError, match=r"out of memory.*smaller model"):
        TransformersDrafter(saved(tmp_path)).warmup()


def test_no_code_of_a_repository_is_run_unless_asked(tmp_path: Path):
    folder = saved(tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoModelForCausalLM": "evil.Evil", "AutoConfig": "evil.Config"}
    config["model_type"] = "evil"
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    with pytest.raises(DrafterError):
        TransformersDrafter(folder).warmup()
    assert not (tmp_path / "ran").exists()
