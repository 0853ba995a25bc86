"""What training begins with: to go on copying a string that makes no sense.

Conversations alone teach it late: for hundreds of steps a model learns how answers sound, and nothing of what
they say. On short strings of random tokens it finds out in a few dozen.
"""

from __future__ import annotations

from random import Random

from transformers import PreTrainedTokenizerFast

from training.tiny.tree import Tree
from training.tiny.words import path, person, value

SHORTEST, LONGEST = 16, 64
"""Tokens of a string."""
CUE, COPIED = 3, 12
"""Tokens that say where, and tokens that are to follow."""
BRANCHES = 8


def value_tokens(tokenizer: PreTrainedTokenizerFast) -> list[int]:
    """Those that values are made of, about 300."""
    rng = Random(0)
    values = [make(rng) for make in (value, person, path) for _ in range(1000)]
    ids = tokenizer(values, add_special_tokens=False)["input_ids"]
    return sorted({token for each in ids for token in each})


def copy_tree(rng: Random, tokens: list[int]) -> Tree:
    """A string, and from some places in it the way on."""
    length = rng.randint(SHORTEST, LONGEST)
    letters = rng.sample(tokens, length)
    string = [rng.choice(letters) for _ in range(length)]
    places = [rng.randint(0, length - CUE - 1) for _ in range(BRANCHES)]
    return Tree(string, [(string[at : at + CUE], string[at + CUE : at + CUE + COPIED]) for at in places])
