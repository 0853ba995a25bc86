"""Attention on the key-value heads themselves: transformers repeats them behind a mask."""

from __future__ import annotations

from typing import Any

import torch
from transformers import AttentionInterface, masking_utils
from transformers.integrations import sdpa_attention

NAME = "context_compaction_grouped"


def use_grouped(model: Any) -> None:
    """Let a model on a CPU attend without repeated heads, if it has fewer of them than query heads.

    A CPU pays for the copies more than for the attention. On CUDA the kernels that take a mask want them.
    """
    if model.device.type == "cpu" and model.config.get_text_config()._attn_implementation == "sdpa":  # noqa: SLF001 - where transformers keeps it
        known: Any = AttentionInterface
        masks: Any = masking_utils
        known.register(NAME, _grouped)
        masks.AttentionMaskInterface.register(NAME, masks.sdpa_mask)
        model.set_attn_implementation(NAME)


def _grouped(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """[B, H, T, D] over [B, KV, L, D] to [B, T, H, D]; the extraordinary goes transformers' way."""
    heads, groups = query.shape[1], key.shape[1]
    if mask is None or heads == groups or options.get("softcap") or options.get("position_bias") is not None:
        usual: Any = sdpa_attention
        return usual.sdpa_attention_forward(module, query, key, value, mask, **options)
    attend = torch.nn.functional.scaled_dot_product_attention
    scale = options.get("scaling")
    if (
        query.shape[2] == 1 and mask.shape[1] == 1
    ):  # the query heads of a group as its queries: [B, KV, H / KV, D]
        folded = query.reshape(query.shape[0], groups, heads // groups, -1)
        out = attend(folded, key, value, attn_mask=mask, scale=scale).reshape(query.shape)
    else:
        out = attend(query, key, value, attn_mask=mask, scale=scale, enable_gqa=True)
    return out.transpose(1, 2).contiguous(), None
