"""`TokenBudgetPostprocessor`: what was retrieved is trimmed to a budget, the best of it first."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llama_index.core.schema import Document, MetadataMode, NodeWithScore, TextNode

from context_compaction import TokenCounter
from llamaindex_compaction import TokenBudgetPostprocessor
from llamaindex_compaction.postprocessor import LEAST


def words(text: str) -> int:
    return len(text.split())


def node(text: str, score: float | None = None, **metadata: Any) -> NodeWithScore:
    return NodeWithScore(node=TextNode(text=text, metadata=metadata), score=score)


def shown(nodes: list[NodeWithScore], count: Any = words) -> int:
    return sum(count(each.get_content(MetadataMode.LLM)) for each in nodes)


def test_what_fits_is_left_alone():
    nodes = [node("a b", 0.1), node("c d", 0.9), node("e f")]
    assert TokenBudgetPostprocessor(6, token_counter=words).postprocess_nodes(nodes) == nodes


def test_the_best_stay_in_the_order_in_which_they_came():
    nodes = [node("a b c", 0.5), node("d e f", 0.1), node("g h i", 0.9), node("j k l")]
    kept = TokenBudgetPostprocessor(6, token_counter=words).postprocess_nodes(nodes)
    assert [each.text for each in kept] == ["a b c", "g h i"]


@pytest.mark.parametrize("kind", [TextNode, Document])
def test_the_first_that_does_not_fit_is_cut_and_says_so(kind: Any):
    long = "\n".join(f"line {number} of the report" for number in range(200))
    whole = kind(text=long, metadata={"source": "a report"})
    nodes = [NodeWithScore(node=whole, score=0.5), node("a short one", 0.9), node("not good", 0.1)]
    first, second = TokenBudgetPostprocessor(100, token_counter=words).postprocess_nodes(nodes)
    text, note = first.get_content().split("\n[... ")
    assert long.startswith(text)
    assert note == f"{len(long) - len(text)} characters left out]"
    assert second.text == "a short one"
    assert 95 <= shown([first, second]) <= 100
    assert whole.get_content() == long, "the node that was given stays as it was"
    assert first.node_id == whole.node_id


def test_a_piece_that_says_nothing_is_left_out():
    nodes = [node("good " * 90, 0.9), node("long " * 500, 0.5)]
    assert len(TokenBudgetPostprocessor(90 + LEAST, token_counter=words).postprocess_nodes(nodes)) == 1
    assert len(TokenBudgetPostprocessor(90 + 2 * LEAST, token_counter=words).postprocess_nodes(nodes)) == 2


def test_metadata_that_a_model_is_shown_counts():
    nodes = [node("a b", 0.9, about="one two three four five")]
    assert TokenBudgetPostprocessor(7, token_counter=words).postprocess_nodes(nodes) == []
    assert TokenBudgetPostprocessor(8, token_counter=words).postprocess_nodes(nodes) == nodes


@given(
    st.lists(st.tuples(st.text(max_size=300), st.none() | st.floats(0, 1)), max_size=8),
    st.integers(1, 200),
)
def test_it_always_fits(said: list[tuple[str, float | None]], limit: int):
    counter = TokenCounter.of(None)
    nodes = [node(text * 3, score, place=place) for place, (text, score) in enumerate(said)]
    kept = TokenBudgetPostprocessor(limit).postprocess_nodes(nodes)
    assert shown(kept, counter.text) <= limit
    if kept and len(kept) < len(nodes):
        dropped = [each for each in nodes if each.node_id not in {one.node_id for one in kept}]
        worst = min(float("-inf") if each.score is None else each.score for each in kept)
        assert all(each.score is None or each.score <= worst for each in dropped)


async def test_async_is_the_same():
    nodes = [node("a b c " * 40, 0.5), node("d e f", 0.1)]
    trim = TokenBudgetPostprocessor(100)
    assert await trim.apostprocess_nodes(nodes) == trim.postprocess_nodes(nodes)


@pytest.mark.parametrize("tokens", [0, -1])
def test_a_budget_that_is_none(tokens: int):
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        TokenBudgetPostprocessor(tokens)


def test_it_is_written_out_and_read_back():
    trim = TokenBudgetPostprocessor.from_dict(TokenBudgetPostprocessor(50).to_dict())
    assert trim.postprocess_nodes([node("word " * 500, 1.0)])[0].text.endswith("left out]")
