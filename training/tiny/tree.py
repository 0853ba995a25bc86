"""The seven prompts of a request as one sequence: what they share once, then a branch for each section.

    prefix (system, range) | ask 1, answer 1 | ask 2, answer 2 | ...

A branch sees the prefix and itself, and its positions go on from the prefix: for each of them the model
computes exactly what it would for that prompt alone, and seven cost little more than two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import torch
from transformers import AttentionInterface, PreTrainedTokenizerFast, Qwen3ForCausalLM

from context_compaction.drafting import DraftRequest
from training.tiny.language import Example
from training.tiny.model import END

IGNORED = -100
"""Label of what is no answer."""
KEPT_EMPTY = 3
BLOCK = 128
HIDDEN = -1e9


def prompts_of(tokenizer: PreTrainedTokenizerFast, request: DraftRequest) -> list[str]:
    """One prompt a section, as the drafter sends them."""
    prompts = request.section_prompts()
    return [
        str(
            tokenizer.apply_chat_template(
                [
                    {"role": "system", "content": prompts.system},
                    {"role": "user", "content": f"{prompts.user}\n{ask}"},
                ],
                tokenize=False,
                add_generation_prompt=True,
                enable_thinking=False,
            )
        )
        for ask in prompts.asks
    ]


@dataclass(frozen=True, slots=True)
class Tree:
    """Token ids of a request's prompts with their answers."""

    prefix: list[int]
    branches: list[tuple[list[int], list[int]]]
    """The rest of each prompt, and its answer."""

    @property
    def length(self) -> int:
        """Of the whole sequence."""
        return len(self.prefix) + sum(len(ask) + len(answer) for ask, answer in self.branches)

    @property
    def longest(self) -> int:
        """Tokens of the longest prompt with its answer."""
        return len(self.prefix) + max(len(ask) + len(answer) for ask, answer in self.branches)

    def thinned(self, rng: Random) -> Tree:
        """Without most of the branches that have nothing to say: three of those teach as much as six."""
        least = min(len(answer) for _, answer in self.branches)
        empty = [branch for branch in self.branches if len(branch[1]) == least]
        spare = rng.sample(empty, max(0, len(empty) - KEPT_EMPTY))
        return Tree(self.prefix, [branch for branch in self.branches if branch not in spare])


def tree_of(tokenizer: PreTrainedTokenizerFast, example: Example) -> Tree:
    """The prompts of an example, cut where they part."""
    prompts = prompts_of(tokenizer, example.request)
    asks = example.request.section_prompts().asks
    at = prompts[0].rindex(asks[0])
    encode = tokenizer.backend_tokenizer.encode_batch
    parts = [
        prompts[0][:at],
        *(prompt[at:] for prompt in prompts),
        *(example.answers.get(section.key, "none") + END for section in example.request.sections),
    ]
    ids = [list[int](each.ids) for each in encode(parts, add_special_tokens=False)]
    count = len(prompts)
    return Tree(ids[0], list(zip(ids[1 : 1 + count], ids[1 + count :], strict=True)))


@dataclass(frozen=True, slots=True)
class Batch:
    """Trees as tensors: prefixes padded to one length, then all branches, padded at the end."""

    ids: torch.Tensor  # [B, P + Q]
    labels: torch.Tensor  # [B, P + Q]
    positions: torch.Tensor  # [B, P + Q]
    mask: torch.Tensor  # [B, 1, Q, P + Q], 0 where a token of a branch may look, else `HIDDEN`


def batch_of(trees: Sequence[Tree], padding: int) -> Batch:
    """One row a tree."""
    start = max(len(tree.prefix) for tree in trees)
    length = start + max(tree.length - len(tree.prefix) for tree in trees)
    ids = torch.full((len(trees), length), padding)
    labels = torch.full_like(ids, IGNORED)
    positions = torch.zeros_like(ids)
    branch = torch.full_like(ids, -1)  # 0 is the prefix, -1 padding
    for row, tree in enumerate(trees):
        prefix = len(tree.prefix)
        ids[row, :prefix] = torch.tensor(tree.prefix)
        positions[row, :prefix] = torch.arange(prefix)
        branch[row, :prefix] = 0
        at = start
        for number, (ask, answer) in enumerate(tree.branches, start=1):
            end = at + len(ask) + len(answer)
            ids[row, at:end] = torch.tensor(ask + answer)
            labels[row, at + len(ask) : end] = torch.tensor(answer)
            positions[row, at:end] = torch.arange(prefix, prefix + end - at)
            branch[row, at:end] = number
            at = end
    ours = branch[:, start:, None]
    seen = (branch[:, None, :] == 0) | (branch[:, None, :] == ours)
    causal = torch.ones(length, length, dtype=torch.bool).tril()[start:]
    mask = torch.zeros(seen.shape).masked_fill_(~(seen & causal), HIDDEN)
    return Batch(ids, labels, positions, mask[:, None])


def tree_attention(  # noqa: PLR0917  the signature is transformers'
    module: torch.nn.Module,  # noqa: ARG001  the same
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor,
    scaling: float | None = None,
    **_: object,
) -> tuple[torch.Tensor, None]:
    """Causal within the prefix, by the mask in the branches.

    Plain matrix products in blocks of rows: on a CPU, at this size and in bf16, they take less than half
    of the time of torch's fused attention, forward and backward.
    """
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    repeats = query.shape[1] // key.shape[1]
    query, keys = query.to(value.dtype), (scale * key).to(value.dtype)
    keys = keys.repeat_interleave(repeats, dim=1).transpose(2, 3)
    values = value.repeat_interleave(repeats, dim=1)
    start = query.shape[2] - attention_mask.shape[2]
    out = [
        _attend(query[:, :, at:end], keys[..., :end], values[:, :, :end], _causal(at, end))
        for at in range(0, start, BLOCK)
        for end in [min(start, at + BLOCK)]
    ]
    out.append(_attend(query[:, :, start:], keys, values, attention_mask))
    return torch.cat(out, dim=2).transpose(1, 2), None


def _attend(
    query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    with torch.autocast("cpu", enabled=False):
        scores = (query @ keys).add_(mask.to(query.dtype))
        return torch.softmax(scores, dim=-1) @ values


def _causal(at: int, end: int) -> torch.Tensor:
    """What the rows from ``at`` to ``end`` may look at."""
    return torch.full((end - at, end), HIDDEN).triu(at + 1)


AttentionInterface.register("tree", tree_attention)


def loss_of(model: Qwen3ForCausalLM, batch: Batch) -> torch.Tensor:
    """Mean over all tokens of answers. Logits are computed where they are wanted and nowhere else."""
    wanted = batch.labels[:, 1:] != IGNORED
    hidden = model.model(
        input_ids=batch.ids, attention_mask=batch.mask, position_ids=batch.positions, use_cache=False
    ).last_hidden_state[:, :-1]
    return torch.nn.functional.cross_entropy(model.lm_head(hidden[wanted]), batch.labels[:, 1:][wanted])
