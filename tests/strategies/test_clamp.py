"""Clamp: the last resort on HARD."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from context_compaction.counting import TiktokenCounter
from context_compaction.messages import MediaBlock, TextBlock
from context_compaction.strategies import Clamp, clamp_blocks, clamped_minimum
from context_compaction.strategies.clamp import CLAMPED_TOKENS, clamp_text, marker_tokens
from tests.builders import (
    Dict,
    after,
    assistant,
    by_words,
    call,
    edits,
    lines,
    problem,
    result,
    scene_of,
    texts,
    user,
)


def batch(*sizes: int) -> list[Dict]:
    """A user message and one group with results of so many lines at 3, 4, ..."""
    calls = [call(f"c{number}", "run", "{}") for number in range(len(sizes))]
    return [
        user("q"),
        assistant("now", *calls),
        *(result(f"c{n}", lines(size)) for n, size in enumerate(sizes)),
    ]


def test_results_are_clamped_oldest_first_and_only_as_far_as_needed() -> None:
    scene = scene_of(batch(100, 100, 100), hard=True, window=1000)
    cut = after(scene, Clamp())
    assert set(edits(cut)) == {3, 4}
    assert edits(cut)[3].tokens == clamped_minimum(scene.log[3], scene.counter)
    assert 900 < cut.tokens <= 1000
    assert problem(scene, cut) is None


def test_head_tail_and_reference_stay() -> None:
    cut = after(scene_of(batch(300), hard=True, window=400), Clamp())
    text = texts(cut)[3]
    assert text.startswith("line 1 of the file")
    assert text.endswith("line 300 of the file")
    assert "characters omitted - recall m:3 ...]" in text


def test_each_keeps_at_least_64_tokens() -> None:
    scene = scene_of(batch(300), hard=True, window=50)
    cut = after(scene, Clamp())
    floor = CLAMPED_TOKENS + marker_tokens(scene.counter, " - recall m:3")
    assert floor - 3 <= scene.counter.text(texts(cut)[3]) <= floor
    assert cut.tokens > 50


def test_not_on_soft_and_not_when_it_fits() -> None:
    assert not Clamp().wants(scene_of(batch(300), window=400))
    assert not Clamp().wants(scene_of(batch(10), hard=True, window=4000))
    assert Clamp().wants(scene_of(batch(300), hard=True, window=400))


def test_the_newest_user_message_only_beyond_half_of_the_input() -> None:
    large = scene_of([user(lines(200))], hard=True, window=600)
    assert set(edits(after(large, Clamp()))) == {1}
    assert after(large, Clamp()).tokens <= 600
    pair = [user(lines(60)), assistant(lines(100), call("c", "run", "{}")), result("c", lines(60))]
    scene = after(scene_of(pair, hard=True, window=700), Clamp())
    assert scene.tokens > 700
    assert set(edits(scene)) == {3}


def test_pins_and_assistant_text_never_are() -> None:
    scene = scene_of(batch(100), hard=True, window=100, pins=[3])
    assert Clamp().apply(scene) is scene.view
    said = scene_of([user("q"), assistant(lines(300))], hard=True, window=100)
    assert Clamp().apply(said) is said.view


def test_late_results_stay_quoted_when_they_are_clamped() -> None:
    late = [user("q"), assistant(None, call("c", "run", "{}")), user("go on"), result("c", lines(300))]
    scene = scene_of(late, hard=True, window=300)
    cut = after(scene, Clamp())
    assert texts(cut)[4].startswith('<quoted_tool_result ref="m:4">\nline 1')
    assert texts(cut)[4].endswith("</quoted_tool_result>")
    assert cut.tokens <= 300


def test_what_was_clamped_is_clamped_again_from_the_original() -> None:
    once = after(scene_of(batch(300), hard=True, window=700), Clamp())
    twice = after(scene_of(batch(300), hard=True, window=300, view=once.view), Clamp())
    assert texts(twice)[3].count("omitted") == 1
    assert edits(twice)[3].reason == "clamped"


def test_media_give_way_only_when_text_is_not_enough() -> None:
    image = MediaBlock("image", url="https://x.test/a.png", detail="low")
    counter = by_words()
    price = counter.media_tokens(image)
    blocks = (TextBlock(lines(300)), image)
    assert clamp_blocks(blocks, price + 200, counter, "")[1] == image
    assert clamp_blocks(blocks, price + 20, counter, "")[1] == TextBlock("[image omitted]")


@given(st.text(max_size=3000), st.integers(0, 600))
def test_clamped_text_fits_or_is_at_its_least(text: str, most: int) -> None:
    """Head and tail are the text's own, whatever is in it."""
    counter = by_words()
    cut = clamp_text(text, most, counter, " - recall m:1")
    assert counter.text(cut) <= max(most, CLAMPED_TOKENS + marker_tokens(counter, " - recall m:1"))
    if cut != text:
        head, _, rest = cut.partition("\n[... ") if "\n[... " not in text else (cut[:1], "", cut[-1:])
        assert text.startswith(head)
        assert text.endswith(rest.rpartition("...]\n")[2])


def test_a_tokenizer_and_text_without_ascii() -> None:
    counter = TiktokenCounter()
    text = "你好世界🙂" * 3000
    cut = clamp_text(text, 200, counter)
    assert 180 <= counter.text(cut) <= 200
