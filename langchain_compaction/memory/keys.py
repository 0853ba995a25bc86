"""Which of a chain's inputs and outputs is what was said."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from typing import Any

from langchain_compaction.errors import AmbiguousKeys, MissingKey, NotMessages
from langchain_compaction.messages import read_all
from langchain_compaction.values import input_messages

STOP = "stop"
"""An input that tells the model where to end, and is no part of the conversation."""


def input_key(inputs: Mapping[str, Any], named: str | None, not_said: Collection[str]) -> str:
    """The one that was named, else the only one. Raises `AmbiguousKeys`, `MissingKey`."""
    if named is not None:
        return _present(named, inputs, "the input", "input_key=")
    keys = [key for key in inputs if key != STOP and key not in not_said]
    if len(keys) != 1:
        raise AmbiguousKeys("the input", keys, "input_key=")
    return keys[0]


def question(inputs: Mapping[str, Any], named: str | None, not_said: Collection[str]) -> str:
    """What the inputs ask, as far as they tell: empty where `input_key` or their kind do not say."""
    try:
        said = read_all(input_messages(inputs[input_key(inputs, named, not_said)]))
    except (AmbiguousKeys, MissingKey, NotMessages):
        return ""
    return next((message.text for message in reversed(said) if message.role == "user"), "")


def output_key(outputs: Mapping[str, Any], named: str | None) -> str:
    """The one that was named, else the only one, else ``output`` with a warning, as LangChain has it.

    Raises `AmbiguousKeys`, `MissingKey`.
    """
    if named is not None:
        return _present(named, outputs, "the output", "output_key=")
    if len(outputs) == 1:
        return next(iter(outputs))
    if "output" not in outputs:
        raise AmbiguousKeys("the output", outputs, "output_key=")
    warnings.warn(
        f"the output has the keys {list(outputs)}, of which 'output' is kept; say so with output_key=",
        stacklevel=4,  # whoever called save_context
    )
    return "output"


def _present(named: str, values: Mapping[str, Any], what: str, option: str) -> str:
    if named not in values:
        raise MissingKey(named, what, values, option)
    return named
