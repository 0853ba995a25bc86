"""Standing instructions: sentences by which somebody says how it is to be from now on, and takes that back.

Two of them speak of the same if they are of the same words, cue words and fillers aside; words of which one
holds at a time (``tabs``, ``spaces``) count as one. Then the later one holds, unless both can: "answer in
English" and "never answer in German". Of two that merely resemble each other both are kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, lru_cache
from typing import Literal, NamedTuple, TypeVar

from context_compaction.text.cues import Cues, Words
from context_compaction.text.own_words import MAX_CHARS, own_words, without_quotes
from context_compaction.text.sentences import sentences

T = TypeVar("T")
Kind = Literal["revoke", "rule", "exempt", "permit"]
MAX_SENTENCE = 300
"""Characters; what is longer is no instruction that one would repeat."""
MAX_TOLD = 50
"""Of one message; of a whole rule book the last are taken, as no more would be kept."""
_LAST_SPACED = "\u0dff"
"""The last character of the scripts that put spaces between words."""
_MARK = re.compile(r"\s{0,12}(?:[-*+•]|\d{1,3}[.)]|#{1,6})\s{1,8}")
_QUESTION = re.compile(r"[?？][\"'”)\s]{0,4}$")  # noqa: RUF001  the Chinese question mark is meant
_WORD = re.compile(r"[^\W_]+(?:[-_./\\'@:#+]{1,2}[^\W_]+)*")
_RUN = re.compile(r"\w+")
_BLANKS = {code: " " for code in range(128) if not _RUN.match(chr(code))}
"""For ASCII text: then what is left between spaces are its runs, in half the time."""
_NEVER = re.compile(r"(?!)")


class Meaning(NamedTuple):
    """What a sentence says about standing instructions."""

    kind: Kind
    words: frozenset[str]
    """Those that tell what it is about."""
    subject: frozenset[str]
    """The same, each of several rivals as one and the same word."""
    positive: bool


def heard(text: str, cues: tuple[Cues, ...]) -> tuple[str, ...]:
    """The sentences of a message that are standing instructions or take one back, word for word, in order.

    Only its writer's own words count (`own_words`). Linear in the text.
    """
    readers = _signs(cues).readers(_folded(text[:MAX_CHARS]))
    if not readers:
        return ()  # most messages, at the cost of a look at their words
    found: list[str] = []
    own, at = own_words(text), 0
    for piece in sentences(own):
        at = own.find(piece, at)
        start, at = at, at + len(piece)
        marked = _MARK.match(piece)
        start += marked.end() if marked else 0
        # A sentence with a quotation of ours or of a document in its middle is not all his own.
        if own[start:at].split() == text[start:at].split() and _meaning(readers, text[start:at]) is not None:
            found.append(text[start:at])
    return tuple(found[-MAX_TOLD:])


def standing(said: Iterable[tuple[str, T]], cues: tuple[Cues, ...]) -> list[tuple[str, T]]:
    """Of sentences that were heard one after another, each with whatever belongs to it, those that hold."""
    readers = _readers(cues)
    holding: list[tuple[Meaning, str, T]] = []
    for sentence, mark in said:
        meaning = _meaning(readers, sentence)
        if meaning is None:
            continue
        if meaning.kind == "revoke" and not meaning.words:
            holding = holding[:-1]
            continue
        holding = [known for known in holding if not _ends(meaning, known[0])]
        if meaning.kind == "rule":
            holding.append((meaning, sentence, mark))
    return [(sentence, mark) for _, sentence, mark in holding]


def _ends(later: Meaning, earlier: Meaning) -> bool:
    """Whether an instruction no longer holds once the later sentence was said."""
    same = later.words == earlier.words
    match later.kind:
        case "rule":
            # A new value of the same: but "always English" and "never German" go together.
            return same or (later.subject == earlier.subject and later.positive and earlier.positive)
        case "permit":
            return same and not earlier.positive
        case "exempt":
            return same and earlier.positive
        case "revoke":
            return later.words <= earlier.words


class _Pattern:
    """Any of some words, or what else needs one of them. It is made when one first stands in a text.

    Until then plain searches do, which are many times as fast.
    """

    def __init__(self, words: Words, pattern: Callable[[], str] | None = None) -> None:
        self.words = tuple(word.casefold() for word in words)
        self._pattern = pattern or (lambda: _words(words))

    def needed_in(self, folded: str) -> bool:
        """Whether a search may find anything."""
        return any(map(folded.__contains__, self.words))

    def found_in(self, folded: str) -> bool:
        """Whether it is anywhere."""
        return self.needed_in(folded) and self._compiled.search(folded) is not None

    def cut_from(self, folded: str) -> str:
        """The text with a space wherever it was."""
        return self._compiled.sub(" ", folded) if self.needed_in(folded) else folded

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self._pattern())


class _Reader:
    """The cues of one language, ready to be looked for."""

    def __init__(self, cues: Cues) -> None:
        # The first that a sentence fits is what it is.
        self._kinds: dict[Kind, _Pattern] = {
            "revoke": _Pattern(cues.revokes),
            "rule": _Pattern((*cues.phrases, *cues.adverbs), lambda: _rule(cues)),
            "exempt": _Pattern(cues.exempts),
            "permit": _Pattern(cues.permits),
        }
        self.needed = tuple(word for pattern in self._kinds.values() for word in pattern.words)
        self._unless = _Pattern(cues.unless)
        self._negative = _Pattern(cues.negative)
        # Every cue, the longest first: none of them says what an instruction is about.
        self._signs = _Pattern((*self.needed, *cues.negative))
        self._fillers = frozenset(cues.fillers)
        self._rivals = {word: f"<{rivals[0]}>" for rivals in cues.rivals for word in rivals}

    def meaning(self, sentence: str) -> Meaning | None:
        """What the sentence says, as far as this language knows."""
        cued = self._unless.cut_from(_folded(without_quotes(sentence)))
        found: Iterator[Kind] = (kind for kind, pattern in self._kinds.items() if pattern.found_in(cued))
        kind = next(found, None)
        if kind is None:
            return None
        plain = _folded(sentence)
        words = frozenset(_WORD.findall(self._signs.cut_from(plain))) - self._fillers
        if kind != "revoke" and not words:
            return None
        subject = frozenset(str(self._rivals.get(word, word)) for word in words)
        return Meaning(kind, words, subject, not self._negative.found_in(plain))


class _Signs:
    """Where every cue of several languages is looked for at once."""

    def __init__(self, cues: tuple[Cues, ...]) -> None:
        self._readers = _readers(cues)
        self._by_word: dict[str, list[tuple[str, _Reader]]] = {}
        """Cues and whose they are, by the longest of their words."""
        self._unspaced: list[tuple[str, _Reader]] = []
        """Those of scripts without spaces, which may stand within a word."""
        for reader in self._readers:
            for cue in reader.needed:
                words = sorted(_RUN.findall(cue), key=len)
                if not words or max(cue[0], cue[-1]) > _LAST_SPACED:
                    self._unspaced.append((cue, reader))
                else:
                    self._by_word.setdefault(words[-1], []).append((cue, reader))
        self._words = frozenset(self._by_word)

    def readers(self, folded: str) -> tuple[_Reader, ...]:
        """Those of whose cues there is one. A search for each would take seven times as long."""
        plain = folded.isascii()
        words = folded.translate(_BLANKS).split() if plain else _RUN.findall(folded)
        asked = [] if plain else [*self._unspaced]
        for word in self._words.intersection(words):
            asked += self._by_word[word]
        mentioned = {reader for cue, reader in asked if cue in folded}
        return tuple(reader for reader in self._readers if reader in mentioned)


@lru_cache(maxsize=16)
def _signs(cues: tuple[Cues, ...]) -> _Signs:
    return _Signs(cues)


@lru_cache(maxsize=16)
def _readers(cues: tuple[Cues, ...]) -> tuple[_Reader, ...]:
    return tuple(map(_Reader, cues))


@lru_cache(maxsize=512)
def _meaning(readers: tuple[_Reader, ...], sentence: str) -> Meaning | None:
    if len(sentence) > MAX_SENTENCE or _QUESTION.search(sentence):
        return None
    return next((found for reader in readers if (found := reader.meaning(sentence)) is not None), None)


def _folded(sentence: str) -> str:
    return " ".join(sentence.replace("’", "'").casefold().split())  # noqa: RUF001


def _rule(cues: Cues) -> str:
    """A phrase anywhere, an adverb where an order begins."""
    begin = rf"^\W*(?:{_words(cues.openings)}\W+){{0,4}}"
    adverb = _words(cues.adverbs)
    clause = (
        rf"{_words(cues.conditions)}[^,:;–—]{{1,100}}[,:;–—]\W*(?:{_words(cues.openings)}\W+){{0,4}}{adverb}"  # noqa: RUF001
    )
    order = rf"{_words(cues.verbs)}\s(?:{adverb}|.{{1,200}}\s{adverb}\W*$)"
    return rf"{_words(cues.phrases)}|{begin}(?:{adverb}|{clause}|{order})"


def _words(words: Words) -> str:
    """Any of the words, the longest first, whole in scripts that have spaces; what never is, of none."""
    if not words:
        return _NEVER.pattern
    return "(?:" + "|".join(_whole(word) for word in sorted(set(words), key=len, reverse=True)) + ")"


def _whole(word: str) -> str:
    before = r"(?<!\w)" if word[0] <= _LAST_SPACED else ""
    after = r"(?!\w)" if word[-1] <= _LAST_SPACED else ""
    return before + re.escape(word.casefold()) + after
