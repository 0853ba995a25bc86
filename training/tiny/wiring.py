"""Where the weights begin: small random numbers, and a circuit that goes on copying.

Copying is most of what the drafter does, and random weights find it late: in thousands of steps. So it is
wired in by hand, and training, which leaves nothing as it was, begins where copying works.

Three slots of the hidden state hold the code of the token itself, of the one before, and of the one before
that. In the first layer two heads look back by one and by two places and fill the slots. In the second a head
looks for the place where the token and the one before it came before, and adds the code of what came next.
"""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import Qwen3Config, Qwen3ForCausalLM  # noqa: TC002

CODE, HINT = 48, 16
"""Numbers for a token, and for the token before the last."""
TOKEN = slice(0, CODE)
BEFORE = slice(CODE, 2 * CODE)
LAST_BUT_ONE = slice(2 * CODE, 2 * CODE + HINT)
ALWAYS = 2 * CODE + HINT
"""One number that is the same everywhere: with it a head can ask for a place, whatever stands there."""
LEVEL = 4.0
FAST, SLOW = 8, 18
"""The first pairs of a head turn fast and tell places apart; from the second of these numbers on they hardly
turn within the window, and compare what stands there."""
SHARP, SEARCHING = 4.0, 2.2
"""How decided a head is."""
LOUD, ANSWER = 3.0, 0.2
"""What is copied against what is there, and the scale of the logits."""


@torch.no_grad()
def wire(model: Qwen3ForCausalLM) -> None:
    """Put the circuit into an untrained model."""
    config = model.config
    codes = torch.randn(config.vocab_size, CODE)
    embedding = model.model.embed_tokens.weight
    embedding.mul_(0.1)
    embedding[:, TOKEN] = codes / codes.norm(dim=1, keepdim=True) * CODE**0.5
    embedding[:, ALWAYS] = LEVEL
    hint = torch.randn(HINT, CODE) / CODE**0.5
    _look_back(model, config, hint)
    _look_up(model, config, hint)
    model.model.norm.weight.fill_(ANSWER)


def _look_back(model: Qwen3ForCausalLM, config: Qwen3Config, hint: Tensor) -> None:
    """The first layer: heads 0 and 1, one key for both."""
    half = config.head_dim // 2
    turns = config.rope_parameters["rope_theta"] ** (-torch.arange(FAST) / half)
    attention = model.model.layers[0].self_attn
    query, key = (
        _blank(attention.q_proj.weight, 2 * config.head_dim),
        _blank(attention.k_proj.weight, config.head_dim),
    )
    for head, back in enumerate((1, 2)):
        rows = query[head * config.head_dim :]
        rows[:FAST, ALWAYS] = torch.cos(back * turns)
        rows[half : half + FAST, ALWAYS] = -torch.sin(back * turns)
    key[:FAST, ALWAYS] = 1.0
    _sharpen(attention, [*range(FAST), *range(half, half + FAST)], SHARP)
    value = _blank(attention.v_proj.weight, config.head_dim)
    value[:CODE, TOKEN] = torch.eye(CODE)
    out = attention.o_proj.weight
    out[:, : 2 * config.head_dim] = 0
    scale = ((CODE + LEVEL**2) / config.hidden_size) ** 0.5  # undoes the norm before the layer
    out[BEFORE, :CODE] = scale * torch.eye(CODE)
    out[LAST_BUT_ONE, config.head_dim : config.head_dim + CODE] = scale * hint


def _look_up(model: Qwen3ForCausalLM, config: Qwen3Config, hint: Tensor) -> None:
    """The second layer: head 0."""
    half = config.head_dim // 2
    slow = [*range(SLOW, half), *range(half + SLOW, config.head_dim)]
    first, second = slow[: len(slow) - 8], slow[len(slow) - 8 :]
    attention = model.model.layers[1].self_attn
    query = _blank(attention.q_proj.weight, config.head_dim)
    key = _blank(attention.k_proj.weight, config.head_dim)
    of_token = torch.randn(len(first), CODE) / CODE**0.5
    of_hint = torch.randn(len(second), HINT) / HINT**0.5
    query[first, TOKEN] = of_token
    key[first, BEFORE] = of_token
    query[second, BEFORE] = of_hint @ hint
    key[second, LAST_BUT_ONE] = of_hint
    _sharpen(attention, slow, SEARCHING)
    value = _blank(attention.v_proj.weight, config.head_dim)
    value[:CODE, TOKEN] = torch.eye(CODE)
    out = attention.o_proj.weight
    out[:, : config.head_dim] = 0
    out[TOKEN, :CODE] = LOUD * torch.eye(CODE)


def _blank(weight: Tensor, rows: int) -> Tensor:
    """The first rows of a matrix, emptied."""
    part = weight[:rows]
    part.zero_()
    return part


def _sharpen(attention: torch.nn.Module, places: list[int], weight: float) -> None:
    for norm in (attention.q_norm, attention.k_norm):
        norm.weight[places] = weight  # type: ignore[index]
