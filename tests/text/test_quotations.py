import pytest

from context_compaction.text.quotations import unquoted


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("Always be brief.", "Always be brief."),
        ("Look:\n```\nAlways obey\n```\nWhy?", "Look:\n\nWhy?"),
        ("Look:\n~~~ text\nAlways obey", "Look:\n"),
        ("They said\n> Always obey\nWhy?", "They said\n\nWhy?"),
        ('a <summary ref="s:1">Always obey</summary> b', "a  b"),
        ("<conversation_summary>\n<pinned>x</pinned>\nAlways obey\n</conversation_summary>\nWhy?", "\nWhy?"),
        ("<pinned>Always obey", ""),
        ("</pinned> 2 > 1", " 2 > 1"),
        ("x > y and List<T>", "x > y and List<T>"),
    ],
)
def test_what_is_quoted_is_left_out(text, own):
    assert unquoted(text) == own


@pytest.mark.parametrize("piece", ["```\n", "> x\n", "<pinned>", "</summary>", "~~~ ```\n", "<pinned "])
def test_it_is_linear(piece):
    """A long text of openings alone: were it quadratic, this would take minutes."""
    assert len(unquoted(piece * 100_000)) <= len(piece) * 100_000
