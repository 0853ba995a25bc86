"""Models of a real shape with random weights, prompts of random tokens, and what peers do with them."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import Skipped

QWEN3_06B = {
    "hidden_size": 1024,
    "intermediate_size": 3072,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 151936,
    "max_position_embeddings": 40960,
}
SMALL = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "vocab_size": 512,
    "max_position_embeddings": 40960,
}
"""To run the same code where there is no GPU."""


def libraries() -> tuple[Any, Any]:
    """torch and transformers, quiet. Raises `Skipped` without them."""
    try:
        import torch
        import transformers
    except ImportError as error:
        raise Skipped(f"{error.name} is not installed") from error
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    return torch, transformers


def random_model(shape: dict[str, int], device: str) -> Any:
    """Varied output at std 0.1 and embeddings x 0.02; no end token, so that all write equally many tokens."""
    torch, transformers = libraries()
    config = transformers.Qwen3Config(
        **shape,
        tie_word_embeddings=True,
        rope_theta=1e6,
        eos_token_id=None,
        bos_token_id=None,
        pad_token_id=0,
        initializer_range=0.1,
    )
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            model = transformers.Qwen3ForCausalLM(config).eval()
    finally:
        torch.set_default_dtype(before)
    with torch.no_grad():
        model.get_input_embeddings().weight.mul_(0.02)
    return model


def random_prompts(count: int, tokens: int, words: int) -> list[list[int]]:
    """So many prompts of so many tokens."""
    torch, _ = libraries()
    generator = torch.Generator().manual_seed(1)
    return torch.randint(1, words, (count, tokens), generator=generator).tolist()


@dataclass(frozen=True, slots=True)
class Peer:
    """transformers' own ways, as users call them."""

    model: Any
    new: int

    def config(self, **options: Any) -> Any:
        """Greedy, exactly ``new`` tokens."""
        _, transformers = libraries()
        return transformers.GenerationConfig(
            max_new_tokens=self.new, do_sample=False, pad_token_id=0, eos_token_id=None, **options
        )

    def generate(self, prompts: Sequence[Sequence[int]], **options: Any) -> list[list[int]]:
        """One call of `generate` for prompts of equal length."""
        torch, _ = libraries()
        ids = torch.tensor(prompts, device=self.model.device)
        with torch.no_grad():
            out = self.model.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), generation_config=self.config(**options)
            )
        return out[:, ids.shape[1] :].tolist()

    def pipeline(self, prompts: Sequence[Sequence[int]], batch: int = 1) -> list[list[int]]:
        """What a text-generation pipeline does: `generate` batch by batch, here without its tokenizer."""
        answers: list[list[int]] = []
        for start in range(0, len(prompts), batch):
            answers += self.generate(prompts[start : start + batch])
        return answers

    def static(self, prompts: Sequence[Sequence[int]]) -> list[list[int]]:
        """`generate` with a static cache, compiled as it does by itself on CUDA."""
        length = len(prompts[0]) + self.new
        return self.generate(prompts, cache_implementation="static", max_cache_len=length)

    def continuous(self, prompts: Sequence[Sequence[int]]) -> list[list[int]]:
        """`generate_batch`: continuous batching over a paged cache."""
        _, transformers = libraries()
        fields = transformers.ContinuousBatchingConfig.__dataclass_fields__
        blocks = sum(-(-(len(prompt) + self.new) // 256) + 2 for prompt in prompts) + 8
        wanted = {
            "num_blocks": blocks,
            "max_batch_tokens": max(1024, *map(len, prompts)),
            "page_size": 256,
            "block_size": 256,
        }
        given = {name: value for name, value in wanted.items() if name in fields}
        config = self.config()
        config.eos_token_id = -1
        outputs = self.model.generate_batch(
            inputs=[list(prompt) for prompt in prompts],
            generation_config=config,
            continuous_batching_config=transformers.ContinuousBatchingConfig(**given),
            progress_bar=False,
            persistent_manager=True,
        )
        answers = [output.generated_tokens for output in outputs.values()]
        if len(answers) != len(prompts) or any(len(answer) != self.new for answer in answers):
            raise RuntimeError(f"{len(answers)} of {len(prompts)} came back whole")
        return answers


def free_memory() -> None:
    """What the last variant held."""
    torch, _ = libraries()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
