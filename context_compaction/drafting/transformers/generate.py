"""transformers' own `generate`, for models that our steps are not written for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Protocol

import torch
from transformers import GenerationConfig, StoppingCriteria, StoppingCriteriaList

from context_compaction.drafting.transformers.decoder import CHECK_EVERY, Look, SharedPrompt, until_end
from context_compaction.drafting.transformers.model import CausalModel
from context_compaction.drafting.transformers.sampling import SAMPLED_WORDS, Sampling
from context_compaction.drafting.transformers.steps import left_padded

_random: Any = torch.random


class Decoding(Protocol):
    """Whatever writes prompts in a batch: see `Decoder.write`."""

    def write(
        self,
        prompts: Sequence[SharedPrompt],
        *,
        sampling: Sampling | None = None,
        seed: int = 0,
        instructions: Sequence[int] = (),
        look: Look = ...,
    ) -> list[list[list[int]]]:
        """What each ending of each prompt was continued with."""
        ...

    def close(self) -> None:
        """Give back what is held."""
        ...


class GenerateDecoder:
    """The same as `Decoder`, slower: every row reads its whole prompt, and nothing is kept between drafts."""

    def __init__(self, model: CausalModel, *, ends: Collection[int], banned: Collection[int] = ()) -> None:
        self.model = model
        self.ends, self.banned = sorted(ends), sorted(banned)

    @torch.no_grad()
    def write(
        self,
        prompts: Sequence[SharedPrompt],
        *,
        sampling: Sampling | None = None,
        seed: int = 0,
        instructions: Sequence[int] = (),  # noqa: ARG002  there is nothing to keep them in
        look: Look = lambda _: (),
    ) -> list[list[list[int]]]:
        """As `Decoder.write`."""
        owners = [index for index, prompt in enumerate(prompts) for _ in prompt.suffixes]
        whole = [[*prompt.prefix, *suffix] for prompt in prompts for suffix in prompt.suffixes]
        device = self.model.device
        ids, pads = left_padded(whole, device)  # [B, T], [B]
        width = ids.shape[1]
        shown = (torch.arange(width, device=device)[None] >= pads[:, None]).long()
        drawn: dict[str, Any] = {"do_sample": False}
        if sampling is not None:
            drawn = {
                "do_sample": True,
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "top_k": SAMPLED_WORDS,
            }
        config = GenerationConfig(
            max_new_tokens=max(prompt.max_new for prompt in prompts),
            eos_token_id=self.ends or None,
            pad_token_id=self.ends[0] if self.ends else 0,
            suppress_tokens=self.banned or None,
            **drawn,
        )
        with _random.fork_rng([device] if device.type == "cuda" else []):
            _random.manual_seed(seed)
            out = self.model.module.generate(
                input_ids=ids,
                attention_mask=shown,
                generation_config=config,
                stopping_criteria=StoppingCriteriaList([_GivenUp(look, owners, width)]),
            )
        written = iter(out[:, width:].tolist())
        return [
            [until_end(next(written)[: prompt.max_new], self.ends) for _ in prompt.suffixes]
            for prompt in prompts
        ]

    def close(self) -> None:
        """Nothing is held."""


class _GivenUp(StoppingCriteria):
    """Ends the rows of prompts that nobody wants any more."""

    def __init__(self, look: Look, owners: Sequence[int], width: int) -> None:
        self.look, self.owners, self.width = look, owners, width

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:  # noqa: ARG002  called with both
        count = input_ids.shape[1] - self.width
        given_up = set(self.look(count)) if count % CHECK_EVERY == 0 else set[int]()
        return torch.tensor([owner in given_up for owner in self.owners], device=input_ids.device)
