"""Tokenizer and model: Qwen3's architecture and chat format, at a thousandth of its size."""

from __future__ import annotations

from random import Random
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from training.tiny.language import distill_example, summary_example
from training.tiny.wiring import wire

VOCABULARY = 1024
WINDOW = 512
"""Tokens of the longest prompt with its answer that training shows."""
HIDDEN, LAYERS, INNER = 128, 4, 192
HEADS, HEAD = 4, 64
END = "<|im_end|>"
SPECIAL = ("<|endoftext|>", "<|im_start|>", END, "<think>", "</think>")
CHAT = (
    "{%- for message in messages %}"
    "{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}"
    "{%- if enable_thinking is defined and enable_thinking is false %}"
    "{{ '<think>\n\n</think>\n\n' }}"
    "{%- endif %}"
    "{%- endif %}"
)
"""ChatML as Qwen3 writes it: no thinking is an empty thought, already in the prompt."""


def new_tokenizer(seed: int) -> PreTrainedTokenizerFast:
    """Bytes, single digits, and the words of the prompts and the language."""
    tokenizer: Any = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL),
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(_corpus(Random(seed)), trainer)
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=SPECIAL[0],
        eos_token=END,
        additional_special_tokens=["<|im_start|>"],
        model_max_length=WINDOW,
        padding_side="left",
    )
    wrapped.chat_template = CHAT
    return wrapped


def _corpus(rng: Random) -> list[str]:
    texts: list[str] = []
    for _ in range(500):
        for example in (summary_example(rng, rng.randint(4, 20)), distill_example(rng, rng.randint(2, 4))):
            prompts = example.request.section_prompts()
            texts += (prompts.system, prompts.user, *prompts.asks, *example.answers.values(), "none")
    return texts


def new_model(tokenizer: PreTrainedTokenizerFast) -> Qwen3ForCausalLM:
    """Weights to begin with."""
    return untrained(eos=tokenizer.eos_token_id, pad=tokenizer.pad_token_id)


def untrained(*, eos: int, pad: int, wired: bool = True) -> Qwen3ForCausalLM:
    """Random weights, ``wired`` to copy."""
    config = Qwen3Config(
        vocab_size=VOCABULARY,
        hidden_size=HIDDEN,
        intermediate_size=INNER,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS // 2,
        head_dim=HEAD,
        max_position_embeddings=2 * WINDOW,
        tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 1e8},
        pad_token_id=pad,
        eos_token_id=eos,
        bos_token_id=None,
    )
    model = Qwen3ForCausalLM(config)
    model.generation_config = GenerationConfig(eos_token_id=eos, pad_token_id=pad)
    if wired:
        wire(model)
    return model
