"""A recalled block says which passages it quotes, whatever they say themselves."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from context_compaction import Message
from context_compaction.messages import quotable
from context_compaction.render import (
    GAP,
    Quote,
    Spans,
    passages_in,
    recalled_message,
    recalled_quotes,
    spans_of,
)

PARTS = st.sampled_from(
    [
        "a",
        "b",
        " ",
        "\n",
        "\r\n",
        "\u2028",
        GAP,
        "[m:3 user] ",
        "[2024-01-01]",
        "</recalled>",
        "&#91;",
        "{x}",
        "\ud83d",
    ]
)
TEXTS = st.lists(PARTS, min_size=1, max_size=12).map("".join)


@st.composite
def quoted(draw: st.DrawFn) -> tuple[Quote, Message]:
    text = draw(TEXTS)
    ends = sorted(draw(st.sets(st.integers(0, len(text)), max_size=6)))
    spans: Spans = tuple(zip(ends[::2], ends[1::2], strict=False))
    day = draw(st.sampled_from([None, "2024-03-01T10:00:00", "2024-03-02T10:00:00"]))
    return Quote(1, () if spans == ((0, len(text)),) else spans), Message("user", text, timestamp=day)


@given(st.lists(quoted(), min_size=1, max_size=4))
@example([(Quote(1, ((0, 5), (6, 11))), Message("user", "[...] [...]"))])
@example([(Quote(1, ((1, 2),)), Message("user", "aaa"))])
@example([(Quote(1, ((2, 3),)), Message("user", "aba"))])
@example([(Quote(1), Message("user", GAP))])
def test_what_is_quoted_is_read_again(quotes: list[tuple[Quote, Message]]) -> None:
    """Rendered from what was read, a block is the same, byte for byte."""
    said = [(Quote(seq, quote.spans), message) for seq, (quote, message) in enumerate(quotes, 1)]
    block = recalled_message(said)
    read = recalled_quotes(block.text)
    assert [seq for seq, _ in read] == [quote.seq for quote, _ in said]
    again: list[tuple[Quote, Message]] = []
    for (quote, message), (seq, quotation) in zip(said, read, strict=True):
        text = quotable(message)
        spans = spans_of(quotation, text)
        assert spans is not None
        assert [text[a:b] for a, b in quote.spans or ((0, len(text)),)] == [
            p for p in passages_in(quotation) if p
        ]
        again.append((Quote(seq, spans), message))
    assert recalled_message(again) == block


@given(TEXTS, TEXTS)
def test_no_passage_is_found_where_it_does_not_stand(quotation: str, said: str) -> None:
    """Where it is found, it stands in its order."""
    spans = spans_of(quotation, said)
    if spans:
        assert [said[a:b] for a, b in spans] == [part for part in passages_in(quotation) if part]
        assert all(a < b for a, b in spans)
        assert all(before < after for (_, before), (after, _) in pairwise(spans))
    assert spans_of("x" + said, said) is None


def test_other_texts_quote_nothing() -> None:
    for text in ("", "<recalled>", "said <recalled>\n[m:1 user] a\n</recalled>", "[m:1 user] a"):
        assert recalled_quotes(text) == []
