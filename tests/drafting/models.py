"""Small real models with random weights, and a tokenizer with a chat template, made once a run."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
torch.set_num_threads(1)
transformers.logging.disable_progress_bar()

CHAT = (
    "{%- for message in messages -%}{{ '<|im_start|>' + message.role + '\n' }}{{ message.content }}"
    "{{ '<|im_end|>\n' }}{%- endfor -%}{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}"
    "{%- if enable_thinking is defined and not enable_thinking -%}{{ '<think>\n\n</think>\n\n' }}"
    "{%- endif -%}{%- endif -%}"
)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>"]
WORDS = 512
"""Of the vocabulary; the tokenizer knows at most so many."""


@cache
def tokenizer() -> Any:
    """Byte-level, ChatML, with Qwen3's switch for thinking."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=WORDS,
        special_tokens=SPECIAL,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    made.train_from_iterator(["the port of the server is 8431, the file is src/main.py " * 20], trainer)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        model_max_length=4096,
        padding_side="left",
        chat_template=CHAT,
    )


def model(kind: str = "qwen3", seed: int = 0, **options: Any) -> Any:
    """Random weights that write varied text: at the usual scale a tied model only repeats itself."""
    configs = {
        "qwen3": ("Qwen3Config", "Qwen3ForCausalLM"),
        "llama": ("LlamaConfig", "LlamaForCausalLM"),
        "mistral": ("MistralConfig", "MistralForCausalLM"),
    }
    shape: dict[str, Any] = {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "vocab_size": WORDS,
        "max_position_embeddings": 4096,
        "initializer_range": 0.1,
        "tie_word_embeddings": kind == "qwen3",
        "eos_token_id": None,
        "bos_token_id": None,
        "pad_token_id": 0,
    }
    config, causal = (getattr(transformers, name) for name in configs[kind])
    torch.manual_seed(seed)
    made = causal(config(**{**shape, **options})).eval()
    with torch.no_grad():
        made.get_input_embeddings().weight.mul_(0.02)
    return made


def saved(folder: Path, **options: Any) -> Path:
    """A model with its tokenizer in a directory, as a hub would give it."""
    model(**options).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder
