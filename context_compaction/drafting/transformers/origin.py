"""Where a model comes from and how it is to write: what is known before torch is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from context_compaction.errors import MissingPackage

if TYPE_CHECKING:
    import torch

Mode = Literal["auto", "sections", "chunks", "whole"]
MODES = ("auto", "sections", "chunks", "whole")
Source = str | Path | Any
"""A hub id, a local directory, or a loaded `PreTrainedModel`."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a model comes from, and how it is to be loaded."""

    model: Source
    tokenizer: Source | None = None
    """As ``model``; None takes the model's own."""
    device: str = "auto"
    dtype: str | torch.dtype = "auto"
    revision: str | None = None
    local_files_only: bool = False
    model_kwargs: Mapping[str, Any] | None = None

    @property
    def missing(self) -> Path | None:
        """A path that was given for model or tokenizer, and is not there; hub ids are no paths."""
        given = (each for each in (self.model, self.tokenizer) if isinstance(each, (str, Path)))
        paths = (Path(each).expanduser() for each in given if isinstance(each, Path) or each[:1] in "/.~")
        return next((path for path in paths if not path.exists()), None)

    @property
    def name(self) -> str:
        """The hub id, or the name of the directory."""
        if isinstance(self.model, (str, Path)):
            path = Path(self.model)
            return path.name if path.is_dir() or path.is_absolute() else str(self.model)
        config: Any = self.model.config
        return Path(str(config.name_or_path or "")).name or type(self.model).__name__


def require_libraries() -> None:
    """Raise `MissingPackage`, which says what to install, where torch or transformers is missing."""
    missing = [name for name in ("torch", "transformers") if find_spec(name) is None]
    if missing:
        raise MissingPackage("TransformersDrafter", missing[0], "drafter")
