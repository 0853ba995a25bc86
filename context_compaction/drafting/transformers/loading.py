"""Loading a model and its tokenizer, whatever goes wrong with that as one typed error."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import torch
import transformers

from context_compaction.drafting.transformers.attention import use_grouped
from context_compaction.drafting.transformers.origin import Origin
from context_compaction.errors import DrafterError


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model ready to be called, and its tokenizer."""

    module: Any
    tokenizer: Any

    @property
    def window(self) -> int:
        """Tokens that it can read and write at once, the smaller of what config and tokenizer say."""
        config = self.module.config.get_text_config(decoder=True)
        places = [getattr(config, "max_position_embeddings", None), self.tokenizer.model_max_length]
        return min((int(place) for place in places if place and 0 < place < _ENDLESS), default=UNKNOWN_WINDOW)

    @property
    def fits(self) -> bool:
        """Whether the tokenizer makes tokens that the model knows."""
        ids = self.tokenizer("a: b", add_special_tokens=False)["input_ids"]
        return bool(ids) and max(ids) < self.module.config.get_text_config(decoder=True).vocab_size


UNKNOWN_WINDOW = 4096
"""Tokens that a model is taken to bear when neither config nor tokenizer says."""
_ENDLESS = 10**9
"""Tokenizers without a limit say a number larger than this."""


WHERE = (
    "Give a directory with config.json, model weights and tokenizer files, or a hub id where the hub can be "
    "reached or the model is in its local cache"
)


def load(origin: Origin) -> Loaded:
    """Load both. No code of a model's repository is run unless ``model_kwargs`` say so.

    Raises `DrafterError` that says what failed and what to do; its cause is the library's own error.
    """
    missing = origin.missing
    if missing is not None:
        raise DrafterError(f"{origin.name} cannot be loaded: there is no {missing}. {WHERE}")
    try:
        tokenizer = _tokenizer(origin)
        loaded = Loaded(_module(origin), tokenizer)
    except DrafterError:
        raise
    except Exception as error:  # noqa: BLE001  libraries below raise what they like
        _refuse(origin, error)
    if not loaded.fits:
        raise DrafterError(
            f"{origin.name} cannot be loaded: its tokenizer is missing or another model's. Give a directory "
            "with its tokenizer files, or the right one as tokenizer="
        )
    return loaded


def _tokenizer(origin: Origin) -> Any:
    source = origin.tokenizer
    if source is None:
        source = origin.model if isinstance(origin.model, (str, Path)) else origin.model.config.name_or_path
        if not source:
            raise DrafterError(f"{origin.name} is a loaded model: give its tokenizer too, as tokenizer=")
    if not isinstance(source, (str, Path)):
        return source
    auto: Any = transformers.AutoTokenizer
    return auto.from_pretrained(
        str(source),
        revision=origin.revision,
        local_files_only=origin.local_files_only,
        **_trust(origin),
    )


def _module(origin: Origin) -> Any:
    given = origin.model
    if not isinstance(given, (str, Path)):
        return given.eval()
    device = best_device() if origin.device == "auto" else torch.device(origin.device)
    auto: Any = transformers.AutoModelForCausalLM
    model = auto.from_pretrained(
        str(given),
        dtype=_dtype(origin.dtype, device),
        revision=origin.revision,
        local_files_only=origin.local_files_only,
        **dict(origin.model_kwargs or {}),
    )
    model = model.to(device).eval()
    use_grouped(model)
    return model


def _trust(origin: Origin) -> dict[str, Any]:
    kwargs = origin.model_kwargs or {}
    return {"trust_remote_code": kwargs["trust_remote_code"]} if "trust_remote_code" in kwargs else {}


def best_device() -> torch.device:
    """CUDA, Apple's GPU, or the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def _dtype(dtype: str | torch.dtype, device: torch.device) -> torch.dtype | str:
    """``auto`` is bfloat16 on CUDA and float32 elsewhere: half precision is slow on most CPUs."""
    if dtype != "auto":
        return dtype
    return torch.bfloat16 if device.type == "cuda" else torch.float32


def _refuse(origin: Origin, error: Exception) -> NoReturn:
    text = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
    raise DrafterError(f"{origin.name} cannot be loaded: {text}. {_advice(error)}") from error


def _advice(error: Exception) -> str:
    if is_out_of_memory(error):
        return "Use a smaller model, or device='cpu'"
    if isinstance(error, OSError):
        return WHERE
    return "Give a causal language model with its tokenizer, as transformers' save_pretrained writes them"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on a GPU or in the process."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and "allocate memory" in str(error)
