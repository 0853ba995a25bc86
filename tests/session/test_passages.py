"""`expand_page`: from a summary down, a generation at a time, in pages that together are the whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from context_compaction import Passage, Policy, QueryError, Session, SQLiteArchive, UnknownReference
from context_compaction.policy import layered
from context_compaction.recall.describing import rest_of
from context_compaction.recall.lines import said_in
from context_compaction.testing.drafters import ScriptedDrafter
from tests.session.talks import dicts, session, turns
from tests.windows import WORDS, user


@pytest.fixture(scope="module")
def deep() -> Iterator[Session]:
    """A session with summaries of several generations."""
    with session(window=2000, policy=Policy.both(layered(max_leaves=2))) as s:
        for number in range(80):
            s.append(turns(number, 1, words=60))
            s.after_turn()
        yield s


def pages(s: Session, ref: str, levels: int | None = None, max_tokens: int = 100) -> list[list[Passage]]:
    """All pages; each keeps to its size."""
    page = s.expand_page(ref, levels=levels, max_tokens=max_tokens)
    out = [list(page.items)]
    while page.next is not None:
        page = s.expand_page(ref, levels=levels, max_tokens=max_tokens, cursor=page.next)
        out.append(list(page.items))
    assert all(sum(WORDS.text(passage.text) for passage in each) <= max_tokens for each in out)
    return out


def walked(s: Session, ref: str) -> list[str]:
    """The messages below a reference, found one generation after another."""
    out: list[str] = []
    for passage in (passage for page in pages(s, ref, 1, 10_000) for passage in page):
        out += [passage.ref] if passage.message is not None else walked(s, passage.ref)
    return out


def test_each_generation_leads_to_the_one_below_and_in_the_end_to_the_messages(deep: Session) -> None:
    records = deep.archive.summaries(deep._current())
    highest = max(records.values(), key=lambda record: record.generation)
    assert highest.generation >= 3
    below = [passage for page in pages(deep, highest.ref, 1, 10_000) for passage in page]
    assert {passage.ref for passage in below} == {f"s:{number}" for number in highest.sources}
    for passage in below:
        assert passage.summary is not None
        assert (passage.text, passage.whole) == (passage.summary.text, True)
        assert passage.summary.generation < highest.generation
    assert walked(deep, highest.ref) == [f"m:{seq}" for seq in highest.seqs]
    down = [passage for page in pages(deep, highest.ref, None, 10_000) for passage in page]
    assert [passage.message for passage in down] == deep.expand(highest.ref)
    two = [passage.ref for page in pages(deep, highest.ref, 2, 10_000) for passage in page]
    [own] = deep.expand_page(highest.ref, levels=0, max_tokens=10_000).items
    assert (own.ref, own.text, own.summary) == (highest.ref, highest.text, highest)
    expected = [passage.ref for one in below for page in pages(deep, one.ref, 1, 10_000) for passage in page]
    assert two == expected


@given(
    st.lists(
        st.lists(st.sampled_from(["a", "bb", "\n", "c\nd", "ee"]), max_size=40).map(" ".join),
        min_size=1,
        max_size=8,
    ),
    st.integers(1, 60),
    st.integers(0, 3),
)
@settings(max_examples=40, deadline=None)
def test_pages_are_the_whole_whatever_their_size(said: list[str], max_tokens: int, growth: int) -> None:
    """What is too long comes in parts, one behind the other; what is said meanwhile changes nothing."""
    with session() as s:
        s.append([user(text) for text in said])
        ref, got, cursor = f"m:1-m:{len(said)}", dict[str, str](), None
        while True:
            page = s.expand_page(ref, max_tokens=max_tokens, cursor=cursor)
            assert page.tokens == sum(WORDS.text(passage.text) for passage in page.items) <= max_tokens
            for passage in page.items:
                assert passage.start == len(got.get(passage.ref, ""))
                assert passage.message is not None
                assert passage.whole == (passage.text == said_in(passage.message))
                got[passage.ref] = got.get(passage.ref, "") + passage.text
            s.append([user("more")] * growth)
            if (cursor := page.next) is None:
                break
        assert got == {f"m:{seq}": text for seq, text in enumerate(said, 1)}


def test_what_was_pruned_is_told_once() -> None:
    with SQLiteArchive() as archive:
        s = session(archive, policy=Policy.layered(fidelity_floor=0.0), drafter=ScriptedDrafter())
        s.append(turns(1, 12))
        assert s.compact().committed
        gone = archive.prune(max_age=0).messages
        assert gone > 2
        [number] = s.view.summaries
        [passage] = s.expand_page(f"s:{number}").items
        assert (passage.ref, passage.message) == (f"m:1-m:{gone}", s.expand("m:1-m:3,s:1")[0])
        assert passage.text.startswith(f"[m:1-m:{gone}: {gone} messages")
        refs = [passage.ref for page in pages(s, f"m:1-m:{gone + 2}", max_tokens=50) for passage in page]
        assert refs == [f"m:1-m:{gone}", f"m:{gone + 1}", f"m:{gone + 2}"]


numbers = st.integers(1, 20)
ranges = st.tuples(numbers, numbers).map(lambda pair: (min(pair), max(pair)))


@given(ranges, st.lists(ranges, max_size=5))
def test_the_rest_of_a_range_is_what_no_other_holds(
    whole: tuple[int, int], taken: list[tuple[int, int]]
) -> None:
    rest = rest_of(whole, taken)
    expected = set(range(whole[0], whole[1] + 1))
    for first, last in taken:
        expected -= set(range(first, last + 1))
    assert [seq for first, last in rest for seq in range(first, last + 1)] == sorted(expected)


def test_parts_of_a_reference_come_as_they_are_named() -> None:
    with session() as s:
        s.append(turns(1, 3))
        items = s.expand_page("m:5, m:1-m:2").items
        assert [passage.ref for passage in items] == ["m:5", "m:1", "m:2"]
        assert dicts([passage.message for passage in items if passage.message]) == dicts(
            [s.history()[4], *s.history()[:2]]
        )


@pytest.mark.parametrize(
    ("ref", "says"),
    [
        ("m:99", "its messages are m:1 to m:6; references look like 'm:57', 'm:3-m:9' or 's:2'"),
        ("m:4-m:2", "its messages are m:1 to m:6"),
        ("s:7", "summaries are named where the conversation shows them"),
        ("page 3", "references look like"),
        ("m:1," * 1001, "more than 1,000 parts"),
        ("x" * 10**6, "references look like"),
        ("m:\0", "references look like"),
        ("m:\ud800", "references look like"),
    ],
)
async def test_a_bad_reference_is_told_what_to_do(ref: str, says: str) -> None:
    with session() as s:
        s.append(turns(1, 3))
        with pytest.raises(UnknownReference) as caught:
            s.expand_page(ref)
        assert says in str(caught.value)
        assert len(str(caught.value)) < 400
        with pytest.raises(UnknownReference):
            await s.aexpand_page(ref)
        with pytest.raises(UnknownReference):
            s.expand(ref)


@pytest.mark.parametrize("levels", [-1, 1.5, True, "x"])
def test_levels_that_mean_nothing(levels: int) -> None:
    with session() as s:
        s.append(turns(1, 1))
        with pytest.raises(QueryError, match="levels is how many generations to go down"):
            s.expand_page("m:1", levels=levels)
