"""Text as search terms: the one analysis that messages, summaries and queries go through.

Words are lower-cased, freed of accents and of light English endings. Identifiers, paths and keys are kept
whole and also split (``getIssue`` -> getissue, get, issue). Scripts without spaces give pairs of characters.
Of base64 only the beginning is read. Terms hold no spaces, quotes or control characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from operator import add
from string import punctuation

from context_compaction.messages import MediaBlock, Message, ReasoningBlock, TextBlock, ToolCallBlock
from context_compaction.text.opaque import without_data

MAX_TERM_CHARS = 64
"""Longer wholes are left out, their parts stay."""
MAX_QUERY_TERMS = 64
MAX_TERMS = 500_000
"""Different terms of one text; what stands behind them is not read. Five megabytes of records with random
keys have a third of that, so much Chinese a little more."""
REMEMBERED_CHARS = 256
"""Longer wholes are rare, and remembering their terms would cost memory."""
_WORD_CHARS = 64
"""Longer words, signs included, are read whole by whole: a line of JSON may be one without a space."""
# Letters and digits of any script; vowel signs and accents, which Python's \w leaves out, belong to them.
_LETTER = r"[^\W_\u00b7]|[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0dff\u0e31-\u0e4e\u0eb1-\u0ecd]"
_WORD = rf"(?:{_LETTER})+"
_JOINED = r"{0}(?:(?:[-_./\\:@#+&]{{1,2}}|,(?=\d)){0})*"
_CHUNK = re.compile(_JOINED.format(_WORD))
_ASCII_CHUNK = re.compile(_JOINED.format("[A-Za-z0-9]+"))  # the same for ASCII text, three times as fast
_PARTS = re.compile(_WORD)
_CAMEL = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+[0-9]*|[A-Z]+[0-9]*|[0-9]+[a-z]*")
_ACCENTS = re.compile("[\u0300-\u036f]+")
_PORTION = 4096
"""Pairs of characters taken at once from a script without spaces."""
_CONTRACTION = re.compile(r"['\u2019](?<=[^\W\d_].)(?:s|t|re|ve|ll|d|m)\b", re.IGNORECASE)
# Thai, Lao, Myanmar, Khmer, kana, Hangul and Han: no spaces, or none around particles.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+"
)
STOP_WORDS = frozenset(
    """
    a about above after again against all also am an and any are aren as at be because been before being
    below between both but by can cannot could couldn did didn do does doesn doing don down during each
    ever few for from further get gets got had hadn has hasn have haven having he her here hers herself him
    himself his how i if in into is isn it its itself just let like ll me might more most mustn my
    myself no nor not now of off on once only or other ought our ours ourselves out over own please re same
    shall shan she should shouldn so some such tell than that the their theirs them themselves then there
    these they this those through to too under until up us very was wasn we were weren what whatever when
    where which while who whom whose why will with won would wouldn ve yes you your yours yourself
    yourselves
    """.split()  # noqa: SIM905 - 180 quoted words are no easier to read
)

FRAMING_WORDS = frozenset(
    """
    ago amount conversation date day days different discuss discussed earlier long many mention mentioned
    month months much previous previously remind said several time times told total week weeks year
    years
    """.split()  # noqa: SIM905 - as above
)
"""By these a question says which kind of answer it wants, or that it was spoken of, rather than what it is
about."""


def terms_of(text: str) -> Counter[str]:
    """How often each term occurs. Linear; any text is fine, lone surrogates and NUL included."""
    words = without_data(text).split()  # no whole goes across a space
    longest = max(map(len, words), default=0)
    if longest > _WORD_CHARS:
        words = [part for word in words for part in (_chunks(word) if len(word) > _WORD_CHARS else (word,))]
        longest = max(map(len, words), default=0)
    if longest > REMEMBERED_CHARS or len(text) > MAX_TERMS // 2:
        return _bounded(words)
    return Counter(chain.from_iterable(map(_TERMS.__getitem__, words)))


def _bounded(words: Sequence[str]) -> Counter[str]:
    """The terms of words of any length, as far as `MAX_TERMS` allows."""
    counts: dict[str, int] = {}
    for word, times in Counter(words).items():
        if len(counts) >= MAX_TERMS:
            break
        if len(word) > REMEMBERED_CHARS:
            _count_long(counts, word, times)
            continue
        for term in _TERMS[word]:
            counts[term] = counts.get(term, 0) + times
    return Counter(counts)


def message_terms(message: Message) -> Counter[str]:
    """The terms of all that a message says: speaker, text, reasoning, calls, results, addresses."""
    return terms_of("\n".join(_texts(message)))


def query_words(query: str) -> dict[str, str]:
    """The telling terms of a query, at most 64, each with the first word that gave it.

    In order of appearance; empty when there are only stop words. Of a longer query identifiers, numbers
    and long words are kept before short ones.
    """
    words: dict[str, str] = {}
    for chunk in dict.fromkeys(_chunks(without_data(query))):
        for term in _analysed(chunk):
            if term not in _STOPPED:
                words.setdefault(term, chunk)
    if len(words) <= MAX_QUERY_TERMS:
        return words
    best = set(sorted(words, key=_telling, reverse=True)[:MAX_QUERY_TERMS])
    return {term: word for term, word in words.items() if term in best}


def stem(word: str) -> str:
    """An English word without its commonest endings: paints, painted, painting -> paint."""
    for ending, instead in _PLURALS:
        if word.endswith(ending) and len(word) > len(ending) + 1:
            word = word[: -len(ending)] + instead
            break
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and _VOWEL.search(word[: -len(ending)]):
            word = _undoubled(word[: -len(ending)])
            break
    if word.endswith("e") and len(word) > 3:
        word = word[:-1]
    return word[:-1] + "i" if word.endswith("y") and len(word) > 3 else word


_PLURALS = (("sses", "ss"), ("ies", "y"), ("ss", "ss"), ("us", "us"), ("is", "is"), ("s", ""))
_VOWEL = re.compile("[aeiouy]")


def _undoubled(root: str) -> str:
    return root[:-1] if len(root) > 3 and root[-1] == root[-2] and root[-1] not in "lsz" else root


_STOPPED = STOP_WORDS | {stem(word) for word in STOP_WORDS if len(word) > 3}
FRAMING_TERMS = frozenset(stem(word) if len(word) > 3 else word for word in FRAMING_WORDS)
"""`FRAMING_WORDS` as terms."""


def _telling(term: str) -> tuple[bool, int]:
    return not term.isalpha(), len(term)


def _texts(message: Message) -> Iterable[str]:
    if message.name:
        yield message.name
    for block in message.blocks:
        if isinstance(block, (TextBlock, ReasoningBlock)):
            yield block.text
        elif isinstance(block, ToolCallBlock):
            yield f"{block.name}\n{block.arguments}"
        elif isinstance(block, MediaBlock):
            yield block.url if block.url and not block.url.startswith("data:") else ""
        else:
            yield f"{block.name or ''}\n{block.content}"


def _chunks(text: str) -> list[str]:
    """Words, and wholes of several words: identifiers, paths, keys."""
    words = _CONTRACTION.sub("", text) if "'" in text or "\u2019" in text else text
    return (_ASCII_CHUNK if words.isascii() else _CHUNK).findall(words)


class _Terms(dict[str, tuple[str, ...]]):
    """The terms of what stands between two spaces; most was read before, and a dict is the fastest cache."""

    def __missing__(self, word: str) -> tuple[str, ...]:
        if len(self) >= _REMEMBERED:
            self.clear()
        bare = word.strip(punctuation)
        if bare.isascii() and bare.isalnum():
            found = _analysed(bare)
        else:
            found = tuple(chain.from_iterable(map(_analysed, _chunks(word))))
        self[word] = found
        return found


_REMEMBERED = 1 << 16
_TERMS = _Terms()


@lru_cache(maxsize=_REMEMBERED)
def _analysed(chunk: str) -> tuple[str, ...]:
    """The terms of one chunk: the whole if it is of several parts, then the parts."""
    if not chunk.isascii():
        chunk = _plain(chunk)
    parts = [part for word in _PARTS.findall(chunk) for part in _split(word)]
    terms = [term for part in parts for term in _terms(part)]
    if len(parts) > 1 and len(chunk) <= MAX_TERM_CHARS:
        terms.append(chunk.lower())
    return tuple(terms)


def _count_long(counts: dict[str, int], chunk: str, times: int) -> None:
    """Add the terms of a chunk of any length, as far as `MAX_TERMS` allows."""
    for terms, each in _portions(chunk):
        if len(counts) >= MAX_TERMS:
            return
        for term in terms:
            counts[term] = counts.get(term, 0) + times * each


def _portions(chunk: str) -> Iterator[tuple[Sequence[str], int]]:
    """The same for a chunk that is too long to be remembered: a few at a time, and how often each occurs."""
    chunk = _plain(chunk)
    if len(chunk) <= REMEMBERED_CHARS:
        yield _analysed(chunk), 1
        return
    for word, times in Counter(_PARTS.findall(chunk)).items():
        if word.isascii():
            yield [term for part in _split(word) for term in _terms(part)], times
            continue
        for run in _UNSPACED.findall(word):
            for start in range(0, max(1, len(run) - 1), _PORTION):
                yield _pairs(run[start : start + _PORTION + 1]), times
        yield _spaced(word), times


def _plain(chunk: str) -> str:
    """Without accents and width forms; what is no letter afterwards is cut off by the caller's patterns."""
    folded = _ACCENTS.sub("", unicodedata.normalize("NFKD", chunk))
    return unicodedata.normalize("NFKC", folded)


def _split(word: str) -> list[str]:
    if not word.isascii() or word.islower() or word.isupper() or word[1:].islower():
        return [word]
    return _CAMEL.findall(word)


def _terms(part: str) -> list[str]:
    if part.isascii():
        word = part.lower()
        return [(stem(word) if len(word) > 3 and word.isalpha() else word)[:MAX_TERM_CHARS]]
    return [pair for run in _UNSPACED.findall(part) for pair in _pairs(run)] + _spaced(part)


def _pairs(run: str) -> list[str]:
    """Neighbouring characters of a script without spaces; a single one stands for itself."""
    return list(map(add, run, run[1:])) or [run]


def _spaced(part: str) -> list[str]:
    """What is of no such script."""
    return [other.lower()[:MAX_TERM_CHARS] for other in _UNSPACED.sub(" ", part).split()]
