"""Passages: what a drafter reads."""

from __future__ import annotations

from context_compaction.strategies import passage_of
from tests.builders import assistant, call, lines, result, used, user, window_of


def test_words_calls_and_output() -> None:
    log = window_of(
        [
            user("hello", name="Ann", timestamp="2023-05-08T13:56:00"),
            assistant("<think>hm</think>I look", call("c", "read", {"path": "a.py"}), reasoning="secret"),
            result("c", "text", name="read", is_error=True),
        ]
    )
    asked, answer, output = (passage_of(log[seq]) for seq in (1, 2, 3))
    assert (asked.ref, asked.role, asked.name, asked.date) == ("m:1", "user", "Ann", "2023-05-08 13:56")
    assert answer.text == 'I look\nread({"path": "a.py"})'
    assert (output.role, output.name, output.text, output.is_error) == ("tool", "read", "text", True)


def test_long_output_is_head_and_tail_with_its_size() -> None:
    log = window_of([user("q"), *used("c", "run", "{}", lines(2000))])
    text = passage_of(log[3]).text
    assert text.startswith("line 1 ")
    assert text.endswith("line 2000 of the file")
    assert "line breaks left out ...]" in text
    assert len(text) < 4100


def test_late_results_are_read_as_output_and_media_are_named() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}
    log = window_of([{"role": "user", "content": [image]}, result("nobody", "late words")])
    assert passage_of(log[1]).text == "[image: https://x.test/a.png]"
    assert (passage_of(log[2]).role, passage_of(log[2]).text) == ("tool", "late words")


def test_no_reference_without_an_archive() -> None:
    assert passage_of(window_of([user("q")])[1], references=False).ref == ""
