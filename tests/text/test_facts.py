import pytest
from hypothesis import given
from hypothesis import strategies as st

from context_compaction.text.facts import error_facts, fidelity, hard_facts, occurs, spelled_facts

_PARTS = (
    "ValueError: bad thing\n",
    "error: no such file\n",
    "main.c:3:1: ERROR [x]: again, ",
    "except KeyError: x",
    "valueerror: Bad  thing",
    "E   assert 1\n",
    "see src/a.py, 5 ms",
    "\n",
    " ",
    '"TypeError: quoted"',
)


def found(text, role=None):
    return {(fact.kind, fact.value) for fact in hard_facts(text, role=role)}


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("see src/app/main.py:42 there", "path", "src/app/main.py"),
        ("in /etc/nginx/nginx.conf.", "path", "/etc/nginx/nginx.conf"),
        ("edit config.yaml now", "path", "config.yaml"),
        ("run ./scripts/deploy", "path", "./scripts/deploy"),
        (r"open C:\Users\ann\notes.txt", "path", r"C:\Users\ann\notes.txt"),
        ("(https://example.com/a?b=1).", "url", "https://example.com/a?b=1"),
        ("ticket CLI-482 is", "identifier", "CLI-482"),
        ("commit 3d88174 broke", "identifier", "3d88174"),
        ("id 019c9553-33cc-7000-8c71-c33c01516617", "identifier", "019c9553-33cc-7000-8c71-c33c01516617"),
        ("user mia_li_3668 booked", "identifier", "mia_li_3668"),
        ("flight HAT136,", "identifier", "HAT136"),
        ("set MAX_RETRIES to", "identifier", "MAX_RETRIES"),
        ("upgrade to 3.11.4 first", "identifier", "3.11.4"),
        ("write to ann@example.com.", "identifier", "ann@example.com"),
        ("order 7287654077", "identifier", "7287654077"),
        ("took 250 ms.", "quantity", "250 ms"),
        ("costs $1,299.50 now", "quantity", "$1,299.50"),
        ("fell by 12.5% since", "quantity", "12.5%"),
        ("at 1:56 pm we", "quantity", "1:56 pm"),
        ("needs 16GB", "quantity", "16GB"),
        ("身長170cm、3年", "quantity", "3年"),
        ("on 8 May, 2023 they", "date", "8 May, 2023"),
        ("due 2023-05-08.", "date", "2023-05-08"),
        ("by March 15th we", "date", "March 15th"),
        ("ValueError: bad input\nnext", "error", "ValueError: bad input"),
        ("\nfatal: not a git repository\n", "error", "fatal: not a git repository"),
        ("src/a.ts:3:1 error TS2345: no\nerror TS2345: wrong type", "error", "error TS2345: wrong type"),
        ('a book called "Becoming Nicole" and', "quote", "Becoming Nicole"),
        ("本「こころ」を読む", "quote", "こころ"),
    ],
)
def test_hard_facts_are_found_as_spelled(text, kind, value):
    assert (kind, value) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "Caroline and Melanie met in Boston and talked about 3 things.",
        "Use and/or, he/she, TCP/IP, 24/7, text/html; e.g. this one, i.e. that.",
        "Python3 with UTF-8, SHA-256, base64 and GPT-4 on x86_64? Node.js, Next.js.",
        "It's the users' choice, don't you think? 1. first 2. second",
        "except ValueError: pass",
        '{"name": "value", "list": ["one", "two"]}',
        "call(x, 'name')",
        "\x1b[39m \x1b[0m",
    ],
)
def test_ordinary_words_names_and_small_numbers_are_none(text):
    assert found(text) == set()


def test_instructions_and_decisions_only_from_the_user():
    text = "Always answer in French. We decided on the blue one. It rained."
    told = {("instruction", "Always answer in French."), ("decision", "We decided on the blue one.")}
    assert found(text, role="user") == told
    assert found(text) == found(text, role="assistant") == found(text, role="tool") == set()


def test_each_fact_once_in_order():
    facts = hard_facts("b.py a.py B.PY 5 minutes b.py 5  minutes")
    assert [fact.value for fact in facts] == ["b.py", "a.py", "5 minutes"]


def test_fidelity_is_the_share_of_distinct_facts_still_carried():
    source = ["see a.py and b.py", "a.py took 250 ms", "on 8 May 2023"]
    assert fidelity(source, ["a.py only"]) == pytest.approx(1 / 4)
    assert fidelity(source, ["A.PY, b.py, 250ms", "2023-05-08"]) == 1.0
    assert fidelity(source, []) == 0.0
    assert fidelity(["nothing hard here"], []) == 1.0
    assert fidelity([], ["a.py"]) == 1.0


def test_a_number_inside_a_longer_one_is_not_carried():
    assert fidelity(["5 minutes"], ["15 minutes"]) == 0.0
    assert not occurs("a.py", "aa.py")
    assert occurs("a.py", "aa.py a.py")


words = st.lists(
    st.sampled_from(
        ["a.py", "CLI-482", "250 ms", "https://x.org/y", "word", "the", "8 May 2023", "\n", '"so so"']
    ),
    max_size=30,
).map(" ".join)


@given(st.lists(words, max_size=4), st.lists(words, max_size=4))
def test_fidelity_grows_with_what_is_carried(source, carried):
    before, after = fidelity(source, carried), fidelity(source, [*carried, *source])
    assert 0.0 <= before <= after == 1.0


@given(st.text(max_size=300))
def test_facts_are_spelled_as_in_the_text(text):
    for fact in hard_facts(text):
        if fact.kind != "error":
            assert fact.value in text


@given(st.lists(st.sampled_from(_PARTS), max_size=12).map("".join))
def test_errors_alone_are_the_errors_among_all_facts(text: str):
    assert error_facts(text) == tuple(fact for fact in hard_facts(text) if fact.kind == "error")


@given(st.one_of(st.text(max_size=300), st.lists(st.sampled_from(_PARTS), max_size=12).map("".join)), words)
def test_all_but_some_errors_stand_there_as_they_are_spelled(parts: str, said: str):
    """Errors are asked for where they are found; here that is the same as anywhere."""
    text = f"{parts} {said}. Never touch b.py, please."
    facts = hard_facts(text, role="user")
    assert spelled_facts(text, role="user") == tuple(fact for fact in facts if fact.value in text)


def test_an_error_in_another_spelling_is_not_spelled_there():
    text = "x.c:3:1: error: no semicolon\n" + "a.py " * 1000 + "\nE   assert 1 == 2\n"
    assert [fact.value for fact in error_facts(text)] == ["error: no semicolon", "E assert 1 == 2"]
    assert [fact.value for fact in spelled_facts(text) if fact.kind == "error"] == ["error: no semicolon"]
