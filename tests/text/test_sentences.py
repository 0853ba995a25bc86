from hypothesis import given
from hypothesis import strategies as st

from context_compaction.text.sentences import MAX_PIECE, is_prose, sentences


def test_prose_ends_at_full_stops_but_not_at_abbreviations_or_numbers():
    text = "Dr. Li paid $3.50, e.g. for tea. Then she left! Why? i.e. bored."
    assert sentences(text) == ["Dr. Li paid $3.50, e.g. for tea.", "Then she left!", "Why?", "i.e. bored."]


def test_a_full_stop_before_a_small_letter_ends_nothing():
    assert sentences("See sec. three of it. Done.") == ["See sec. three of it.", "Done."]


def test_a_long_word_is_cut_without_losing_a_letter():
    assert "".join(sentences("".join(map(str, range(1000))))) == "".join(map(str, range(1000)))


def test_chinese_and_japanese_need_no_space():
    wanted = ["今日は雨。", "明日は晴れ！", "本当？"]
    assert sentences("".join(wanted)) == wanted


def test_code_tables_lists_and_headings_stay_lines():
    code = "Look. Here:\n```\nx = 1. # a. B. C\n```\n| a. B | c. D |\n- one. Two\n## Head. Line"
    assert sentences(code) == [
        "Look.",
        "Here:",
        "```",
        "x = 1. # a. B. C",
        "```",
        "| a. B | c. D |",
        "- one. Two",
        "## Head. Line",
    ]


@given(st.text(max_size=2000) | st.text(alphabet=".!? ab\n`|-。", max_size=3000))
def test_nothing_but_white_space_is_lost(text):
    pieces = sentences(text)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(piece == piece.strip() and 0 < len(piece) <= MAX_PIECE for piece in pieces)


def test_prose_is_told_from_code_and_logs():
    assert is_prose("Please fix the failing test in src/app.py before Monday.")
    assert is_prose("明日までに直してください。")
    assert not is_prose('if (x["a"] === {b: 1}) { return <div/>; }')
    assert not is_prose("| a | b |")
    assert not is_prose("42: const x = 1")
