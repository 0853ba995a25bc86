"""A loaded causal language model as the steps call it, whichever version of transformers is installed."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from transformers import DynamicCache, StaticCache
from transformers.cache_utils import StaticLayer

if TYPE_CHECKING:
    import torch


class CausalModel:
    """Tokens in, logits of each row's last token out."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.config = module.config.get_text_config(decoder=True)
        accepted = inspect.signature(module.forward).parameters
        self._cache_name = "cache" if "cache" in accepted else "past_key_values"  # renamed in 5.24
        self._options = {"use_cache": True, **({"logits_to_keep": 1} if "logits_to_keep" in accepted else {})}

    @property
    def device(self) -> torch.device:
        """Where its inputs go."""
        return self.module.device

    @property
    def words(self) -> int:
        """V, the size of its vocabulary."""
        return self.config.vocab_size

    @property
    def is_plain(self) -> bool:
        """Whether each layer attends to all that came before: what the steps here are written for."""
        layers = StaticCache(config=self.config, max_cache_len=1).layers
        return bool(layers) and all(type(layer) is StaticLayer for layer in layers)

    def __call__(
        self, ids: torch.Tensor, position: torch.Tensor, mask: torch.Tensor | None, cache: Any
    ) -> torch.Tensor:
        """Logits [B, V] from tokens and positions [B, T]; the cache grows by them.

        ``mask`` is boolean, [B, 1, T, all slots of the cache]; None is plain causal.
        """
        given = {self._cache_name: cache, **self._options}
        return self.module(input_ids=ids, position_ids=position, attention_mask=mask, **given).logits[:, -1]

    def growing_cache(self) -> Any:
        """One that grows with what is prefilled."""
        return DynamicCache(config=self.config)

    def static_cache(self, length: int) -> Any:
        """One of a fixed number of slots."""
        return StaticCache(config=self.config, max_cache_len=length)
