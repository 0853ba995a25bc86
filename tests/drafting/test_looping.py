import pytest

from context_compaction.drafting.looping import loops

FACTS = "\n".join(
    f"- the {word} file src/{word}.py took {number} ms" for number, word in enumerate("abcdefghij")
)


@pytest.mark.parametrize(
    "draft",
    [
        "- again\n" * 9,
        f"{FACTS}\n- and then " + "the tests passed and " * 12,  # within one line, after an honest beginning
        f"{FACTS}\n- " + "no " * 80,
        f"{FACTS}\n- " + "测试通过了" * 40,
        f"{FACTS}\n- " + "aaaabbbbcccc" * 20,  # circles within the circle
        f"{FACTS}\n" + "- The parser was ported to Rust by the user.\n" * 4,
        "\n".join(f"- point {number % 3} of a long list that never ends" for number in range(12)),
        f"{FACTS}\n" + "- one\n- two\n- three\n" * 8,
    ],
)
def test_going_round_in_circles_is_seen(draft):
    assert loops(draft, [])


@pytest.mark.parametrize(
    "draft",
    [
        FACTS,
        "\n".join(f"- 2024-03-0{day} the tests passed" for day in range(1, 10)),
        "## Timeline\n" + "-" * 120 + "\n- no no no, said the user",
        "- Paths: " + ", ".join(f"src/app/module_{number}.py" for number in range(60)),
        "- ok\n" * 5,
    ],
)
def test_likeness_is_no_circle(draft):
    assert not loops(draft, [])


def test_what_the_source_repeats_may_be_reported():
    screams = "run: Error: " + "aaaaaaaaaa " * 40
    assert loops(f"- {screams}", ["quiet"])
    assert not loops(f"- {screams}", [f"output\n{screams}\nend"])


def test_it_is_linear():
    """Nearly a circle, everywhere: 200,000 characters."""
    assert not loops("".join(f"{number % 7}{'ab' * 30}" for number in range(3300)), [])
