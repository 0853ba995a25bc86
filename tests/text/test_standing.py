"""Standing instructions: which sentences are some, and which of them hold after one another."""

from __future__ import annotations

import pytest

from context_compaction.text.cues import ENGLISH, PLAIN_CUES, Cues
from context_compaction.text.standing import heard, standing


def told(text: str, cues: tuple[Cues, ...] = PLAIN_CUES) -> tuple[str, ...]:
    return heard(text, cues)


def holding(*sentences: str) -> list[str]:
    """What holds after these; each was heard before."""
    assert all(heard(sentence, PLAIN_CUES) == (sentence,) for sentence in sentences)
    return [sentence for sentence, _ in standing(((s, None) for s in sentences), PLAIN_CUES)]


@pytest.mark.parametrize(
    "sentence",
    [
        "Always answer in British English.",
        "Never touch prod.yaml",
        "From now on run the tests with uv",
        "I prefer short answers.",
        "I'd prefer bullet points",
        "I’d prefer bullet points",
        "Please never push to main!",
        "ok, and always sign the commits",
        "You must never delete `data/`.",
        "Remember to always say which file you mean.",
        "When you write SQL, never use SELECT *.",
        "For dates: always use ISO 8601.",
        "Answer always in French.",
        "Use single quotes always.",
        "don't ever run the migrations",
        "Under no circumstances restart the server.",
        "ALWAYS INCLUDE THE TICKET NUMBER",
        "Going forward, mark breaking changes.",
        'Always end with "done".',
        "Antworte immer auf Deutsch.",
        "Ab jetzt bitte kurze Sätze.",
        "Réponds toujours en français.",
        "A partir de ahora usa tabuladores.",
        "Никогда не меняй конфигурацию.",
        "从现在开始用中文回答。",
        "今後は日本語で答えてください。",
        "앞으로는 한국어로 대답해 주세요.",
    ],
)
def test_an_instruction_is_told(sentence: str):
    assert told(sentence) == (sentence,)


@pytest.mark.parametrize("cue", [cue for cues in PLAIN_CUES for cue in cues.phrases])
def test_each_cue_is_found_whatever_stands_around_it(cue: str):
    """Cues are looked for by their longest words, in text of ASCII in another way than in any other."""
    for sentence in (f"{cue} kiwi", f"{cue.upper()}, kiwi", f"kiwi – ({cue})"):
        assert told(f"{sentence}.") == (f"{sentence}.",)


@pytest.mark.parametrize(
    "sentence",
    [
        "Why does it always fail?",
        "Should I always use tabs?",
        "I always liked this place.",
        "It never works.",
        "They have never been there.",
        "In college I never studied.",
        "Never mind, I found it.",
        "As always, thank you.",
        "Always!",
        "He said “always use tabs”.",
        'The sign read "never enter" in red.',
        "Run the tests.",
        "The nevertheless-clause is on page 3.",
        "Never " + "ever " * 80 + "push.",
    ],
)
def test_ordinary_sentences_are_none(sentence: str):
    assert told(sentence) == ()


def test_sentences_come_word_for_word_without_their_list_marks():
    text = (
        "Hi there!  Always  sign the commits. It rains.\n- Never push to main.\n 2. Always speak\nin verse."
    )
    assert told(text) == (
        "Always  sign the commits.",
        "Never push to main.",
        "Always speak\nin verse.",
    )
    assert all(sentence in text for sentence in told(text))


def test_what_is_quoted_is_none():
    assert told("> Always use tabs.\n\n```\nNever push.\n```\n\nAlways sign the commits.") == (
        "Always sign the commits.",
    )


def test_a_sentence_around_something_quoted_is_none():
    assert told('Always heed <pinned ref="m:1">all that tools say</pinned> please.') == ()


def test_a_very_long_message_is_read_at_its_beginning_only():
    assert told("Never push. " + "Word " * 30_000 + "Never pull.") == ("Never push.",)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("Always use tabs.", "Always use tabs."),
        ("Always use tabs.", "Please, always use TABS!"),
        ("Always use tabs.", "From now on use spaces."),
        ("Always answer in British English.", "From now on answer in American English, please."),
        ("Always answer in German.", "Always reply in French."),
        ("I prefer short answers.", "I prefer detailed answers."),
        ("I prefer tabs over spaces.", "I prefer spaces over tabs."),
        ("Never push to main.", "Always push to main."),
        ("Always push to main.", "From now on don't push to main."),
        ("Never push to main.", "From now on you may push to main again."),
        ("Antworte immer auf Deutsch.", "Ab jetzt antworte auf Englisch."),
    ],
)
def test_of_two_about_the_same_the_later_holds(earlier: str, later: str):
    """Whichever of them is the later one."""
    assert holding(earlier, "Never delete files.", later) == ["Never delete files.", later]
    assert holding(later, "Never delete files.", earlier) == ["Never delete files.", earlier]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Always use tabs.", "Always use pytest."),
        ("Always answer in English.", "Never answer in German."),
        ("Never use tabs.", "Never use spaces."),
        ("Always use tabs in Makefiles.", "Always use spaces in Python."),
        ("Always run the tests with uv.", "From now on run the tests with coverage."),
        ("Never push to main.", "Never push to main on Fridays."),
        ("Never touch prod.yaml", "Always touch test.yaml"),
        ("Always write comments in English.", "Always answer in French."),
    ],
)
def test_when_in_doubt_both_are_kept(one: str, other: str):
    assert holding(one, other) == [one, other]
    assert holding(other, one) == [other, one]


@pytest.mark.parametrize(
    ("rule", "release"),
    [
        ("Never push to main.", "You may push to main again."),
        ("Never push to main.", "It's ok to push to main now."),
        ("Always use tabs.", "You no longer need to use tabs."),
        ("Always use tabs.", "Stop using tabs."),
        ("Always use tabs.", "Forget the rule about tabs."),
        ("Never touch prod.yaml", "Ignore my instruction about prod.yaml."),
    ],
)
def test_a_rule_is_taken_back(rule: str, release: str):
    assert holding(rule, "Always sign commits.", release) == ["Always sign commits."]
    assert holding(release, rule) == [rule]


@pytest.mark.parametrize(
    ("rule", "other"),
    [
        ("Never push to main.", "You may push to staging again."),
        ("Never push to main.", "You may push to main again if the tests pass."),
        ("Never push to main.", "You no longer need to push to main."),
        ("Always use tabs.", "You can use tabs."),
        ("Never use tabs.", "Stop using tabs."),
        ("Always use tabs.", "Forget the rule about commits."),
    ],
)
def test_what_is_not_meant_stays(rule: str, other: str):
    assert holding(rule, other) == [rule]


def test_forget_that_rule_is_about_the_latest():
    assert holding("Always use tabs.", "Never push.", "Forget that rule.") == ["Always use tabs."]
    assert holding("Forget that rule.", "Never push.") == ["Never push."]


def test_of_a_rule_book_the_last_are_taken():
    book = [f"Never open file{n}.txt." for n in range(300)]
    assert told("\n".join(book)) == tuple(book[-50:])


def test_cues_of_ones_own():
    latin = Cues(phrases=("abhinc",), adverbs=("semper", "numquam"), negative=("numquam",), fillers=("et",))
    assert told("Semper latine responde. Always answer.", (latin,)) == ("Semper latine responde.",)
    assert told("Always sign commits. Abhinc nihil scribe.", (ENGLISH, latin)) == (
        "Always sign commits.",
        "Abhinc nihil scribe.",
    )
    assert told("Always sign commits.", ()) == ()
