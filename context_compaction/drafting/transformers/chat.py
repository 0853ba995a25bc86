"""A prompt as tokens: through the chat template, thinking off, no text taken for a template's marker."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from itertools import takewhile
from typing import Any, cast

from context_compaction.drafting.prompt import Prompt

THINKING = ("<think>", "</think>", "<thinking>", "<|channel|>analysis")
"""What begins or ends a model's reasoning, where it is a single token."""


class ChatFormat:
    """How one tokenizer writes a prompt, and which tokens end or must not occur in an answer."""

    def __init__(self, tokenizer: Any, generation_config: Any = None) -> None:
        self.tokenizer = tokenizer
        self._generation_config = generation_config

    def ids(self, prompt: Prompt) -> list[int]:
        """Tokens of the whole prompt, up to where the answer begins; ``prompt.user`` made `neutral`."""
        text = self._rendered(prompt.system, self.neutral(prompt.user))
        return self._encoded(text)

    def shared_ids(self, system: str, user: str, asks: Sequence[str]) -> tuple[list[int], list[list[int]]]:
        """The prompts that differ in their last line: tokens that all begin with, and each one's ending.

        ``user`` is tokenized once, if the tokenizer begins anew with a line.
        """
        user = self.neutral(user)
        texts = [self._rendered(system, f"{user}\n{self.neutral(ask)}") for ask in asks]
        alike = texts[0][: common_length([min(texts), max(texts)])]
        cut = alike.rfind("\n") + 1
        line = alike[alike.rfind("\n", 0, max(cut - 1, 0)) + 1 : cut]
        if self._encoded(line + texts[0][cut:]) != self._encoded(line) + self._encoded(texts[0][cut:]):
            cut = 0
        head, endings = self._encoded(alike[:cut]), [self._encoded(text[cut:]) for text in texts]
        shared = min(common_length(endings), min(map(len, endings)) - 1)
        return head + endings[0][:shared], [ending[shared:] for ending in endings]

    def neutral(self, text: str) -> str:
        """The text with a space inside whatever the tokenizer would read as a special token."""
        return self._markers.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)

    def count(self, text: str) -> int:
        """Tokens of plain text."""
        return len(self._encoded(self.neutral(text)))

    def text(self, ids: list[int]) -> str:
        """An answer as text, without special tokens."""
        return self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)

    @cached_property
    def ends(self) -> frozenset[int]:
        """Tokens that end an answer, by tokenizer and generation config."""
        given: Any = getattr(self._generation_config, "eos_token_id", None)
        several = cast("list[Any]", given) if isinstance(given, list) else [given]
        return frozenset(int(each) for each in (*several, self.tokenizer.eos_token_id) if each is not None)

    @cached_property
    def banned(self) -> frozenset[int]:
        """Special tokens that have no place in a summary: reasoning, and the template's own markers."""
        known: dict[str, int] = self.tokenizer.get_vocab()
        thinking = {known[marker] for marker in THINKING if marker in known}
        added: dict[int, Any] = self.tokenizer.added_tokens_decoder
        special = {number for number, token in added.items() if token.special}
        return frozenset({*self.tokenizer.all_special_ids, *special, *thinking}) - self.ends

    @cached_property
    def _markers(self) -> re.Pattern[str]:
        added = (marker for marker in self.tokenizer.get_added_vocab() if len(marker) > 1)
        longest = sorted({*added, *self.tokenizer.all_special_tokens} - {""}, key=len, reverse=True)
        return re.compile("|".join(map(re.escape, longest)) or r"(?!)")

    def _encoded(self, text: str) -> list[int]:
        # Quietly: a text longer than the model bears is cut afterwards.
        return list(self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    def _rendered(self, system: str, user: str) -> str:
        if not self.tokenizer.chat_template:
            return f"{system}\n\n{user}\n\n"
        try:
            return self._templated([{"role": "system", "content": system}, {"role": "user", "content": user}])
        except Exception:  # noqa: BLE001  a template refuses the system role in whatever way it likes
            return self._templated([{"role": "user", "content": f"{system}\n\n{user}"}])

    def _templated(self, messages: list[dict[str, str]]) -> str:
        return self.tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True, enable_thinking=False
        )


def common_length(several: Sequence[Sequence[int] | str]) -> int:
    """How many tokens or characters all begin with."""
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, zip(*several, strict=False)))
