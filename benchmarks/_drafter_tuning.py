"""Candidates for a faster decode step, each to be kept only where it pays on a GPU (see docs/drafting.md)."""

from __future__ import annotations

from typing import Any

from benchmarks._drafter_model import libraries


def fused_norms(model: Any) -> Any:
    """RMSNorm as one kernel in place of six to eight: half of a step's launches."""
    import functools

    torch, _ = libraries()
    for module in model.modules():
        if type(module).__name__ == "Qwen3RMSNorm":
            shape = (module.weight.shape[0],)
            module.forward = functools.partial(
                torch.nn.functional.rms_norm,
                normalized_shape=shape,
                weight=module.weight,
                eps=module.variance_epsilon,
            )
    return model


def packed_attention(model: Any) -> Any:
    """One-token steps attend on the key-value heads themselves, so that these are not repeated."""
    torch, transformers = libraries()
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

    def packed(module: Any, query: Any, key: Any, value: Any, mask: Any, **options: Any) -> Any:
        if query.shape[2] != 1:
            return sdpa_attention_forward(module, query, key, value, mask, **options)
        rows, heads, _, width = query.shape  # [B, H, 1, D] onto [B, KV, H / KV, D]
        folded = query.reshape(rows, key.shape[1], heads // key.shape[1], width)
        attend = torch.nn.functional.scaled_dot_product_attention
        out = attend(folded, key, value, attn_mask=mask, scale=options.get("scaling"))
        return out.reshape(rows, heads, 1, width).transpose(1, 2).contiguous(), None

    transformers.AttentionInterface.register("drafter_packed", packed)
    AttentionMaskInterface.register("drafter_packed", sdpa_mask)
    model.set_attn_implementation("drafter_packed")
    return model


def compiled_step(causal: Any) -> Any:
    """The one-token forward through inductor; captured in our own graph afterwards. Takes a `CausalModel`."""
    torch, _ = libraries()
    eager = causal.module.forward
    fast = torch.compile(eager, dynamic=False, mode="default")

    def forward(*args: Any, **kwargs: Any) -> Any:
        return (fast if kwargs["input_ids"].shape[1] == 1 else eager)(*args, **kwargs)

    causal.module.forward = forward
    return causal
