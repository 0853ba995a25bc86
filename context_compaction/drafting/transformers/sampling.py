"""Choosing the next word: greedy, or sampled from the likeliest, for a second try at a rejected draft."""

from __future__ import annotations

from dataclasses import dataclass

import torch

SAMPLED_WORDS = 20
"""K: only the likeliest words are sampled from."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a word is drawn. The defaults are what Qwen advises for answers without thinking."""

    temperature: float = 0.7
    top_p: float = 0.8


def draw_noise(noise: torch.Tensor, seed: int) -> None:
    """Fill [N, B, K] with Gumbel noise: the same seed gives the same words on the same device."""
    generator = torch.Generator(noise.device)
    generator.manual_seed(seed)
    noise.exponential_(generator=generator).log_().neg_()


def pick_sampled(scores: torch.Tensor, noise: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    """A word [B] a row of scores [B, V]: of the likeliest that make up ``top_p``, by Gumbel noise [B, K]."""
    words = min(noise.shape[-1], scores.shape[-1])
    top, ids = (scores / sampling.temperature).topk(words, dim=-1)  # [B, K], likeliest first
    shares = top.softmax(dim=-1)
    before = shares.cumsum(dim=-1) - shares
    drawn = torch.where(before < sampling.top_p, top + noise[:, :words], -torch.inf).argmax(
        dim=-1, keepdim=True
    )
    return ids.gather(-1, drawn)[:, 0]
