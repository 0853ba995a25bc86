import pytest
from hypothesis import given
from hypothesis import strategies as st

from context_compaction.drafting.chunks import chunked, joined, write_all
from context_compaction.drafting.transcript import passage_tokens
from context_compaction.errors import DrafterError
from tests.drafting.samples import COUNTER, passage, request

MARKER = "the ticket is OLD-4711"


def long_request(messages=40, max_tokens=400):
    first = passage(1, "user", f"Remember: {MARKER}. " + "Some more words of it. " * 10)
    rest = [
        passage(i, "assistant", f"Step {i} took {i}0 ms. " + "Some more words of it. " * 30)
        for i in range(2, messages)
    ]
    return request(first, *rest, max_tokens=max_tokens)


def short_copy(asked):
    """Like a model: the beginning of each passage, of a draft its first two lines."""
    lines = []
    for each in asked.passages:
        said = (
            each.text.splitlines()[1:3] if each.role == "summary" else [f"- {each.text.split('. ')[0][:60]}"]
        )
        lines.extend(said)
    return "\n".join(["## Timeline", *lines])


def test_what_fits_goes_in_whole():
    asked = long_request(messages=4)
    assert chunked(asked, None, COUNTER) == [asked]
    assert [piece.passages for piece in chunked(asked, 100_000, COUNTER)] == [asked.passages]


@given(
    st.lists(st.text(min_size=1, max_size=600) | st.just("long words here " * 200), min_size=1, max_size=15),
    st.integers(400, 3000),
)
def test_every_piece_fits_and_no_character_is_lost(texts, window):
    asked = request(
        *(passage(i, "user", text) for i, text in enumerate(texts, 1)), context=("earlier " * 50,)
    )
    pieces = chunked(asked, window, COUNTER)
    assert "".join(each.text for piece in pieces for each in piece.passages) == "".join(texts)
    for piece in pieces:
        assert sum(passage_tokens(each, COUNTER) for each in piece.passages) + piece.max_tokens <= window
        assert piece.kind == asked.kind


def test_the_oldest_piece_is_in_the_fold():
    calls = []

    def write(requests):
        calls.append(requests)
        return [short_copy(each) for each in requests]

    text = write_all([long_request()], 4000, COUNTER, write)[0]
    assert MARKER in text
    assert len(calls[0]) > 1
    assert calls[-1][0].kind == "distill"
    assert calls[-1][0].passages[0].ref.startswith("m:1-m:")


@pytest.mark.parametrize("fold", ["fails", "forgets"])
def test_a_fold_that_fails_or_forgets_the_oldest_piece_is_done_by_code(fold):
    asked = long_request()

    def write(requests):
        if requests[0].kind == "distill":
            if fold == "fails":
                raise DrafterError("tired")
            return ["## Timeline\n" + each.passages[-1].text.splitlines()[-1] for each in requests]
        return [short_copy(each) for each in requests]

    text = write_all([asked], 4000, COUNTER, write)[0]
    assert MARKER in text
    assert COUNTER.text(text) <= asked.max_tokens


def test_folding_goes_on_until_there_is_one():
    depths = []

    def write(requests):
        depths.append(len(requests))
        return [short_copy(each) for each in requests]

    text = write_all([long_request(messages=120, max_tokens=150)], 1200, COUNTER, write)[0]
    assert text
    assert depths == sorted(depths, reverse=True)
    assert len(depths) > 2


def test_drafts_too_long_to_be_brought_together_are_joined_by_code():
    def write(requests):
        numbered = (f"- line {i} of {each.passages[0].ref}" for each in requests for i in range(30))
        lines = list(numbered)
        return ["## Timeline\n" + "\n".join(lines[30 * i : 30 * i + 30]) for i in range(len(requests))]

    text = write_all([long_request()], 1000, COUNTER, write)[0]
    assert COUNTER.text(text) <= 400
    assert "of m:1" in text
    assert "of m:39" in text or "of m:38" in text


def test_a_batch_is_one_call_for_all_pieces():
    calls = []

    def write(requests):
        calls.append(len(requests))
        return [short_copy(each) for each in requests]

    texts = write_all([long_request(messages=3), long_request(messages=3)], 4000, COUNTER, write)
    assert len(texts) == 2
    assert calls == [2]


def test_joining_gives_every_piece_its_share():
    parts = [f"## Timeline\n- part number {i} says word{i} {'and more ' * 40}" for i in range(5)]
    text = joined(request(max_tokens=300), parts, COUNTER)
    assert COUNTER.text(text) <= 300
    assert all(f"part number {i}" in text for i in range(5))
    assert text.count("## Timeline") == 1
