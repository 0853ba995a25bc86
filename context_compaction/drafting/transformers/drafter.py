"""`TransformersDrafter`: summaries by a small causal language model on this machine."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from context_compaction.drafting.base import Draft, DraftRequest, SummaryDrafter
from context_compaction.drafting.prompt import Instructions
from context_compaction.drafting.transformers.origin import MODES, Mode, Origin, require_libraries
from context_compaction.errors import DrafterError

if TYPE_CHECKING:
    import torch

    from context_compaction.counting.transformers import TransformersCounter
    from context_compaction.drafting.transformers.loading import Loaded
    from context_compaction.drafting.transformers.ready import Ready

DEFAULT_MODEL = "Qwen/Qwen3-0.6B"
LONGEST_WINDOW = 32_768
"""Tokens that a model is given at most unless ``window`` says more: beyond, small models only get slower."""


class TransformersDrafter(SummaryDrafter):
    """Any causal language model of `transformers`, by hub id, local path, or already loaded.

    The model is loaded at the first draft, or by `warmup`. Requests are cut to ``window`` tokens (None: what
    model and tokenizer bear, 32768 at most). ``mode`` says how a range is written: ``sections`` (read once,
    the section prompts written side by side over it), ``chunks`` (pieces of the range written side by side,
    joined by code), ``whole`` (one stream), ``auto`` (sections while the range fits the window, else chunks).
    ``device`` and ``dtype`` are torch's names; ``auto`` is CUDA in bfloat16 where there is one, else float32.
    ``instructions`` replaces the English prompts. ``model_kwargs`` go to ``from_pretrained``;
    ``trust_remote_code`` is off unless they hold it. Decoding is greedy; a rejected draft is sampled.

    One drafter serves any number of sessions and threads: what they want at the same time is written in one
    batch. `shared` gives the same drafter for the same model to all of a process. There is no speculative
    decoding: it helps one stream at a time, and here several are decoded side by side, which helps more.

    Raises `MissingPackage` without torch and transformers (extra ``drafter``). A model that cannot be loaded
    is a `DrafterError` of `draft` and `warmup`, so that a session goes on with the next of its chain.
    """

    cuts_itself = True
    retries = 1
    sectioned = True
    _shared: ClassVar[dict[tuple[object, ...], TransformersDrafter]] = {}
    _sharing: ClassVar[threading.Lock] = threading.Lock()

    def __init__(
        self,
        model: str | Path | Any = DEFAULT_MODEL,
        *,
        tokenizer: str | Path | Any | None = None,
        device: str = "auto",
        dtype: str | torch.dtype = "auto",
        revision: str | None = None,
        local_files_only: bool = False,
        window: int | None = None,
        deadline: float | None = None,
        model_kwargs: Mapping[str, Any] | None = None,
        mode: Mode = "auto",
        instructions: Instructions | None = None,
    ) -> None:
        if mode not in MODES:
            raise ValueError(f"mode is {mode!r}; give one of {', '.join(MODES)}")
        if window is not None and window < 1:
            raise ValueError(f"window is {window}; give tokens, or None for what the model bears")
        require_libraries()
        self._origin = Origin(model, tokenizer, device, dtype, revision, local_files_only, model_kwargs)
        self._mode: Mode = mode
        self.instructions = instructions
        self.name = self._origin.name
        self.window = window
        self.deadline = deadline
        self._key: tuple[object, ...] | None = None
        self._lock = threading.Lock()
        self._loaded: Loaded | None = None
        self._made: Ready | None = None
        self._closed = False

    @classmethod
    def shared(cls, model: str | Path | Any = DEFAULT_MODEL, **options: Any) -> Self:
        """The drafter of this process for this model and these options, made at the first call.

        Its `close` takes it back for all who have it; the next call makes a new one.
        """
        key = (cls, *map(_hashable, (model, *(part for item in sorted(options.items()) for part in item))))
        with cls._sharing:
            found = cls._shared.get(key)
            if found is None:
                found = cls._shared[key] = cls(model, **options)
                found._key = key
            return found  # pyright: ignore[reportReturnType]  the key begins with the class

    @property
    def counter(self) -> TransformersCounter:
        """Counts with the model's tokenizer and chat template. Loads them; raises `DrafterError`."""
        from context_compaction.counting.transformers import TransformersCounter

        return TransformersCounter(self._load().tokenizer)

    def warmup(self) -> Self:
        """Load the model and write a few tokens, so that the first draft is not slower than the next."""
        self._ready().drafts([DraftRequest("summary", (), max_tokens=64)], threading.Event())
        return self

    def draft(self, requests: Sequence[DraftRequest], *, cancel: threading.Event) -> list[Draft]:
        """One draft a request, all written at once. ``cancel`` ends it within a few decoding steps.

        Raises `DrafterError` when the model cannot be loaded, memory does not suffice for a single row, the
        window holds no more than the instructions, or it was cancelled.
        """
        return self._ready().drafts(requests, cancel)

    def close(self) -> None:
        """Stop writing and let the model go. Drafts after it raise `DrafterError`."""
        with self._sharing:
            if self._key is not None:
                self._shared.pop(self._key, None)
        with self._lock:
            self._closed = True
            if self._made is not None:
                self._made.worker.close()
            self._made = self._loaded = None

    def _load(self) -> Loaded:
        """Model and tokenizer, loaded once; whoever comes meanwhile waits."""
        from context_compaction.drafting.transformers.loading import load

        with self._lock:
            if self._closed:
                raise DrafterError(f"{self.name} is closed")
            if self._loaded is None:
                self._loaded = load(self._origin)
                self.window = self.window or min(self._loaded.window, LONGEST_WINDOW)
            return self._loaded

    def _ready(self) -> Ready:
        from context_compaction.drafting.transformers.ready import Ready

        loaded = self._load()
        with self._lock:
            if self._made is None:
                window = self.window or loaded.window
                self._made = Ready(loaded, window, self._mode, self.instructions or Instructions.default())
            return self._made


def _hashable(value: object) -> object:
    """A key for an option: by value where that can be, by identity for models and tokenizers."""
    if isinstance(value, Mapping):
        return tuple(sorted((str(key), repr(each)) for key, each in value.items()))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return value if isinstance(value, (str, int, float, Path, Instructions, type(None))) else id(value)
