"""Made-up conversations with marked facts, and the requests that ask for a summary of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from context_compaction.drafting import DraftRequest, Passage
from context_compaction.schema import format_sections
from training.tiny import words
from training.tiny.marked import Fact, Minutes, answers

MAX_TOKENS = 256


@dataclass(slots=True)
class Said:
    """One message."""

    role: str
    pieces: list[str | Fact]
    """Sentences, or lines of a tool's output; marked ones as facts."""
    name: str | None = None
    """Of the speaker or the tool."""
    call: tuple[str, str] | None = None
    """The tool that an assistant asks for, and its arguments."""
    is_error: bool = False

    @property
    def facts(self) -> list[Fact]:
        """What is marked in it."""
        return [piece for piece in self.pieces if isinstance(piece, Fact)]

    @property
    def text(self) -> str:
        """Its words. A fact has a space before it everywhere, so that its first word is always one token."""
        if self.role == "tool":
            return "\n".join(f" {each.text}" if isinstance(each, Fact) else each for each in self.pieces)
        return " ".join(each.text if isinstance(each, Fact) else each for each in self.pieces)

    @property
    def quoted(self) -> str:
        """Its words and its call, as they are quoted to a drafter."""
        return "\n".join(
            part for part in (self.text, "{}({})".format(*self.call) if self.call else "") if part
        )


class Talk:
    """Makes conversations. A topic is in one fact at most, so that no fact of a conversation is in doubt."""

    def __init__(self, rng: Random, *, rate: float) -> None:
        """``rate`` is the share of messages that hold a marked fact."""
        self.rng = rng
        self.rate = rate
        self.minutes = Minutes(rng)
        self.topics = rng.sample(words.TOPICS, len(words.TOPICS))
        self.speaker = rng.choice(words.SPEAKERS) if rng.random() < 0.25 else None

    def messages(self, count: int) -> list[Said]:
        """That many messages, from a turn's beginning on."""
        out: list[Said] = []
        while len(out) < count:
            out.extend(self._turn())
        return out[:count]

    def fact(self, role: str | None = None) -> Fact | None:
        """A new fact that this role (or anybody) would tell; None when everything has been talked about."""
        role = role or self.rng.choice(("user", "user", "assistant", "assistant", "assistant", "tool"))
        return self.minutes.fact(role, self.topics.pop()) if self.topics else None

    def _turn(self) -> Iterator[Said]:
        yield self._spoken("user")
        while self.rng.random() < 0.35:
            yield from self._called()
        yield self._spoken("assistant")

    def _spoken(self, role: str) -> Said:
        said = Said(role, [self._filler() for _ in range(self.rng.randint(1, 3))])
        said.name = self.speaker if role == "user" else None
        self._mark(said)
        return said

    def _called(self) -> Iterator[Said]:
        """A tool is asked, and answers."""
        rng = self.rng
        tool = rng.choice(words.TOOLS)
        arguments = f'{{"path": "{words.path(rng)}"}}' if rng.random() < 0.7 else '{"all": true}'
        asking = Said("assistant", [], call=(tool, arguments))
        if rng.random() < 0.5:
            asking.pieces.append(self._filler())
            self._mark(asking)
        yield asking
        result = Said("tool", [self._line() for _ in range(rng.randint(1, 3))], name=tool)
        if rng.random() < self.rate:
            self._mark(result, rate=1.0)
            result.is_error = bool(result.facts)
        yield result

    def _mark(self, said: Said, *, rate: float | None = None) -> None:
        """Put facts among the pieces of a message; nobody but a tool begins with one."""
        after = 0 if said.role == "tool" else 1
        while self.rng.random() < (self.rate if rate is None else rate):
            found = self.fact(said.role)
            if found is None:
                return
            at = self.rng.randint(after, len(said.pieces))
            said.pieces.insert(at, found)
            after = at + 1
            rate = 0.0 if said.role == "tool" else self.rate / 2

    def _filler(self) -> str:
        forms = words.ALMOST if self.rng.random() < 0.2 else words.SMALL_TALK
        return self._filled(self.rng.choice(forms))

    def _line(self) -> str:
        return self._filled(self.rng.choice(words.OUTPUT))

    def _filled(self, form: str) -> str:
        return words.filled(self.rng, form, *self.rng.sample(words.TOPICS, 2))


@dataclass(frozen=True, slots=True)
class Example:
    """A request, and what is to be written for each section that has anything."""

    request: DraftRequest
    answers: dict[str, str]


def summary_example(rng: Random, count: int, *, rate: float | None = None) -> Example:
    """A range of ``count`` messages to be summarised."""
    talk = Talk(rng, rate=rng.choice((0.15, 0.3, 0.6)) if rate is None else rate)
    context = _context(rng, talk)
    said = talk.messages(count)
    first = rng.randint(1, 400)
    passages = tuple(
        Passage(f"m:{first + at}", each.role, each.quoted, each.name, None, each.is_error)
        for at, each in enumerate(said)
    )
    request = DraftRequest("summary", passages, MAX_TOKENS, context=context, focus=_focus(rng))
    return Example(request, answers(found for each in said for found in each.facts))


def distill_example(rng: Random, count: int) -> Example:
    """``count`` summaries to be made one: some lines come again, some with another value."""
    talk = Talk(rng, rate=1.0)
    context = _context(rng, talk)
    told: list[list[Fact]] = []
    for _ in range(count):
        earlier = [found for facts in told for found in facts]
        again = sorted(rng.sample(range(len(earlier)), min(len(earlier), rng.choice((0, 0, 1, 2)))))
        repeated = [earlier[at].changed(rng) if rng.random() < 0.5 else earlier[at] for at in again]
        told.append([*repeated, *_some_facts(rng, talk, 4)])
    passages = tuple(
        Passage(ref, "summary", format_sections(answers(facts)))
        for ref, facts in zip(_summary_refs(rng, count), told, strict=True)
    )
    request = DraftRequest("distill", passages, MAX_TOKENS, context=context, focus=_focus(rng))
    return Example(request, answers(found for facts in told for found in facts))


def _some_facts(rng: Random, talk: Talk, most: int) -> list[Fact]:
    return [found for _ in range(rng.randint(1, most)) if (found := talk.fact()) is not None]


def _summary_refs(rng: Random, count: int) -> list[str]:
    """Of summaries, or of the ranges that pieces of a request stood for."""
    if rng.random() < 0.5:
        first = rng.randint(1, 30)
        return [f"s:{first + at}" for at in range(count)]
    marks = sorted(rng.sample(range(1, 400), 2 * count))
    return [f"m:{first}-m:{last}" for first, last in zip(marks[::2], marks[1::2], strict=True)]


def _context(rng: Random, talk: Talk) -> tuple[str, ...]:
    """Earlier summaries now and then: to be read, not repeated."""
    if rng.random() < 0.75:
        return ()
    return tuple(format_sections(answers(_some_facts(rng, talk, 2))) for _ in range(rng.randint(1, 2)))


def _focus(rng: Random) -> str | None:
    return f"the {rng.choice(words.TOPICS)}" if rng.random() < 0.04 else None
