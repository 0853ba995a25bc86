"""The words of the made-up language: what is talked about, and small talk that says nothing."""

from __future__ import annotations

from random import Random

TOPICS = tuple(
    """
    archive branch bridge bucket budget cache camera canal cellar cluster counter crane deposit door editor
    engine fence ferry filter garden gate harbour index kiln kitchen ladder lamp lift mirror motor oven pump
    queue region roof route schema shelf stage table tank ticket tower tunnel valve window
    """.split()
)
ACTS = tuple("check clean close count lift lock mark measure open paint sort test wash weigh".split())
DONE = tuple("checked cleaned closed counted lifted locked marked measured opened painted sorted".split())
STATES = ("done", "half done", "ready", "stuck", "empty", "under way", "closed")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SPEAKERS = ("Maren", "Otto", "Ines", "Jonas")
TOOLS = ("read_file", "grep", "bash", "list_dir")

SMALL_TALK = (
    "That makes sense.",
    "Good idea.",
    "Thanks, that helps a lot.",
    "The weather is fine today.",
    "Nothing else to report.",
    "I read it twice.",
    "It took a while.",
    "The coffee is cold again.",
    "We had a short walk.",
    "One more thing about the {topic}.",
    "The {topic} looks good.",
    "Here is what I know of the {topic}.",
    "{name} liked the {topic}.",
    "The {topic} and the {other} are old.",
    "It is about the {topic} by the {other}.",
    "{name} talked about the {topic} for an hour.",
    "My notes on the {topic} are short.",
    "How big is the {topic}?",
    "Who built the {topic}?",
    "The {topic} was quiet all day.",
    "I like the {topic} more than the {other}.",
    "There are {number} pages on the {topic}.",
    "Half of the {topic} is in the shade.",
    "That was all about the {topic}.",
)
ALMOST = (
    "Maybe the {topic} was {value}?",
    "I heard the {topic} could be {value}.",
    "{name} thinks the {topic} is {value}.",
    "Is the {topic} {value} or {number}?",
    "The {topic} used to be {value}.",
    "{name} had {value} for the {topic} last year.",
    "The status of the {topic} is on the board.",
    "I have a note on the {topic} from {date}.",
)
"""What reads like a fact and is marked as none."""
OUTPUT = (
    "{number} lines",
    "{number} rows, {number} columns",
    "def {topic}_{act}(x):",
    "    return {topic} + {number}",
    "{path}:{number}: {topic} = {number}",
    "{topic} {number} ok",
    "{topic}.txt {number}",
    "{number} files in {topic}",
    "# {topic} and {other}",
)
"""Lines of what a tool gives back."""

_SYLLABLES = tuple(consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou")


def syllables(rng: Random, count: int) -> str:
    """A word that nobody has seen before."""
    return "".join(rng.choice(_SYLLABLES) for _ in range(count))


def person(rng: Random) -> str:
    """A name."""
    return syllables(rng, rng.randint(2, 3)).capitalize()


def path(rng: Random) -> str:
    """A path of a source file."""
    return f"src/{syllables(rng, 2)}_{rng.randrange(100)}.py"


def date(rng: Random) -> str:
    """A day, as ISO writes it."""
    return f"{rng.randint(2021, 2025)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"


def value(rng: Random) -> str:
    """A number, a name, a version or an identifier: nothing that could be guessed."""
    kind = rng.random()
    if kind < 0.4:
        return str(rng.randrange(10, 99999))
    if kind < 0.65:
        return person(rng)
    if kind < 0.85:
        return f"v{rng.randrange(20)}.{rng.randrange(50)}"
    return f"{syllables(rng, 2)}-{rng.randrange(100)}"


def filled(rng: Random, form: str, topic: str, other: str = "") -> str:
    """The form with words in all its places; ``topic`` and ``other`` are given."""
    fields = {
        "act": lambda: rng.choice(ACTS),
        "date": lambda: date(rng),
        "day": lambda: rng.choice(DAYS),
        "done": lambda: rng.choice(DONE),
        "name": lambda: person(rng),
        "number": lambda: str(rng.randrange(2, 999)),
        "path": lambda: path(rng),
        "state": lambda: rng.choice(STATES),
        "value": lambda: value(rng),
    }
    text = form.replace("{topic}", topic).replace("{other}", other)
    while "{" in text:
        before, _, rest = text.partition("{")
        field, _, after = rest.partition("}")
        text = before + fields[field]() + after
    return text
