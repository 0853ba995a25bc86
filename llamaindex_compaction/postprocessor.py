"""`TokenBudgetPostprocessor`: retrieved context inside a token budget."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle

from context_compaction import TokenCounter

LEFT_OUT = "\n[... {} characters left out]"
"""Behind the text of a node that was cut."""
LEAST = 32
"""Tokens of text under which a cut node says too little to be worth its place."""
_LONGEST = 16
"""Characters that a token is taken to have at most."""


class TokenBudgetPostprocessor(BaseNodePostprocessor):
    """Keeps the best nodes that together fit ``max_tokens``, in the order in which they came.

    Nodes are taken by score, those without one last; the first that does not fit whole is cut at its end, if
    enough of it is left to be of use, and says so; what comes after it is dropped. Counted is what a language
    model is shown of a node, its metadata included. The nodes that were given stay as they are.
    """

    max_tokens: int = Field(description="Tokens that all nodes may have together.", ge=1)
    token_counter: Any = Field(
        default=None,
        description="A TokenCounter, a function of text, or an encoding's name; None: the default.",
        exclude=True,
    )
    _counter: TokenCounter = PrivateAttr()

    def __init__(
        self,
        max_tokens: int,
        *,
        token_counter: TokenCounter | Callable[[str], int] | str | None = None,
        **options: Any,
    ) -> None:
        own: Any = {"max_tokens": max_tokens, "token_counter": token_counter}
        super().__init__(**own, **options)
        self._counter = TokenCounter.of(token_counter)

    @classmethod
    def class_name(cls) -> str:
        """LlamaIndex's name of it."""
        return "TokenBudgetPostprocessor"

    def _postprocess_nodes(
        self,
        nodes: list[NodeWithScore],
        query_bundle: QueryBundle | None = None,  # noqa: ARG002 - LlamaIndex's signature
    ) -> list[NodeWithScore]:
        kept: dict[int, NodeWithScore] = {}
        room = self.max_tokens
        for place in sorted(range(len(nodes)), key=lambda place: _rank(nodes[place]), reverse=True):
            tokens = self._tokens(nodes[place])
            if tokens > room:
                cut = self._cut(nodes[place], room)
                if cut is not None:
                    kept[place] = cut
                break
            kept[place] = nodes[place]
            room -= tokens
        return [kept[place] for place in sorted(kept)]

    def _cut(self, node: NodeWithScore, room: int) -> NodeWithScore | None:
        """As much of its text as fits; None if that is too little."""
        text = node.node.get_content(MetadataMode.NONE)
        low, high = 0, min(len(text), room * _LONGEST)
        while low < high:
            middle = (low + high + 1) // 2
            if self._tokens(_clipped(node, text, middle)) <= room:
                low = middle
            else:
                high = middle - 1
        return _clipped(node, text, low) if self._counter.text(text[:low]) >= LEAST else None

    def _tokens(self, node: NodeWithScore) -> int:
        return self._counter.text(node.get_content(MetadataMode.LLM))


def _rank(node: NodeWithScore) -> float:
    return float("-inf") if node.score is None else node.score


def _clipped(node: NodeWithScore, text: str, characters: int) -> NodeWithScore:
    cut = text[:characters].rstrip()
    copy = node.node.model_copy()
    copy.set_content(cut + LEFT_OUT.format(len(text) - len(cut)))
    return NodeWithScore(node=copy, score=node.score)
