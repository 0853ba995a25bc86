"""Where the weights begin: small random numbers, and a circuit that goes on copying.

Copying is most of what the drafter does, and random weights find it late: in thousands of steps. So it is
wired in by hand, and training, which leaves nothing as it was, begins where copying works.

Slots of the hidden state hold the code of the token itself and of the one before, and shorter hints of the
two before that. In the first layer three heads look back by one, two and three places and fill the slots. In
the second a head looks for the place where the last three tokens came before, and adds the code of what came
next.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import Qwen3Config, Qwen3ForCausalLM  # noqa: TC002

CODE, HINT, TRACE = 46, 18, 12
"""Numbers for a token, for the one two places back, for the one three places back."""
TOKEN = slice(0, CODE)
BEFORE = slice(CODE, 2 * CODE)
BACK_2 = slice(2 * CODE, 2 * CODE + HINT)
BACK_3 = slice(2 * CODE + HINT, 2 * CODE + HINT + TRACE)
ALWAYS = 2 * CODE + HINT + TRACE
"""One number that is the same everywhere: with it a head can ask for a place, whatever stands there."""
LEVEL = 4.0
FAST, SLOW = 8, 14
"""The first pairs of a head turn fast and tell places apart; from the second of these numbers on they hardly
turn within the window, and compare what stands there."""
COMPARED = (18, 10, 8)
"""Of those, numbers that compare the token, the one before and the one before that."""
SHARP, SEARCHING = 4.0, 2.4
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
    hint, trace = _projection(HINT, CODE), _projection(TRACE, HINT)
    whole = torch.eye(CODE)
    first, second = (model.model.layers[at].self_attn for at in (0, 1))
    _look_back(first, config, {1: (BEFORE, whole), 2: (BACK_2, hint), 3: (BACK_3, trace @ hint)})
    _look_up(second, config, [(TOKEN, BEFORE, whole), (BEFORE, BACK_2, hint), (BACK_2, BACK_3, trace)])
    model.model.norm.weight.fill_(ANSWER)


def _look_back(attention: nn.Module, config: Qwen3Config, slots: dict[int, tuple[slice, Tensor]]) -> None:
    """A head for each slot: so many places back, where to write, and how what stands there is shortened."""
    size, half = config.head_dim, config.head_dim // 2
    turns = config.rope_parameters["rope_theta"] ** (-torch.arange(FAST) / half)
    query = _blank(attention, "q_proj", size * len(slots))
    shared = size * config.num_key_value_heads
    key, value = (_blank(attention, name, shared) for name in ("k_proj", "v_proj"))
    out = attention.o_proj.weight
    out[:] = 0
    scale = ((CODE + LEVEL**2) / config.hidden_size) ** 0.5  # undoes the norm before the layer
    for head, (back, (slot, shortened)) in enumerate(slots.items()):
        rows = query[head * size :]
        rows[:FAST, ALWAYS] = torch.cos(back * turns)
        rows[half : half + FAST, ALWAYS] = -torch.sin(back * turns)
        out[slot, head * size : head * size + CODE] = scale * shortened
    for start in range(0, len(key), size):
        key[start : start + FAST, ALWAYS] = 1.0
        value[start : start + CODE, TOKEN] = torch.eye(CODE)
    _sharpen(attention, [*range(FAST), *range(half, half + FAST)], SHARP)


def _look_up(attention: nn.Module, config: Qwen3Config, pairs: list[tuple[slice, slice, Tensor]]) -> None:
    """The first head: each slot of a place against that slot of another which stands one further back."""
    size, half = config.head_dim, config.head_dim // 2
    slow = [*range(SLOW, half), *range(half + SLOW, size)]
    query, key, value = (_blank(attention, name, size) for name in ("q_proj", "k_proj", "v_proj"))
    for count, (here, there, shortened) in zip(COMPARED, pairs, strict=True):
        rows, slow = slow[:count], slow[count:]
        mixed = _projection(count, len(shortened))
        query[rows, here] = mixed @ shortened
        key[rows, there] = mixed
    _sharpen(attention, [*range(SLOW, half), *range(half + SLOW, size)], SEARCHING)
    value[:CODE, TOKEN] = torch.eye(CODE)
    out = attention.o_proj.weight
    out[:, :size] = 0
    out[TOKEN, :CODE] = LOUD * torch.eye(CODE)


def _projection(rows: int, columns: int) -> Tensor:
    """Random, and about true to lengths."""
    return torch.randn(rows, columns) / columns**0.5


def _blank(attention: nn.Module, name: str, rows: int) -> Tensor:
    """The first rows of a matrix, emptied."""
    part = getattr(attention, name).weight[:rows]
    part.zero_()
    return part


def _sharpen(attention: nn.Module, places: list[int], weight: float) -> None:
    for norm in (attention.q_norm, attention.k_norm):
        norm.weight[places] = weight
