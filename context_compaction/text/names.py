"""Exact names in a text: URLs, paths and identifiers, told by their spelling alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

NameKind = Literal["path", "url", "identifier"]

_CHUNK = re.compile(r"[^\s\"'`<>(){}\[\],;|=*“”‘’「」、。，；：（）]{3,400}")  # noqa: RUF001  wide punctuation is meant
_URL = re.compile(
    r"\b[A-Za-z][A-Za-z0-9+.-]{1,15}://[^\s\"'`<>(){}\[\]|*“”‘’「」、。，；：（）]{2,800}"  # noqa: RUF001  the same
)
_SHORT_URL = re.compile(r"www\.[\w-]+\.\S{2,}")
_LINE_NUMBER = re.compile(r":\d{1,6}(?::\d{1,6})?(?:-\d{1,6})?$")
_EXTENSION = re.compile(r"[\w@+-]\.(?=\w{0,6}[A-Za-z])\w{1,6}$", re.ASCII)
_SOURCE_FILE = re.compile(
    r"\.env(?:\.\w{1,20})?|(?!(?:Node|Next|Vue|Three|D3|Express)\.js)"
    r"\.?[\w@+-][\w.@+-]{0,79}\.(?:py|pyi|ipynb|ts|tsx|js|jsx|mjs|go|rs|java|kt|rb|php|c|h|cc|cpp|hpp|cs|swift|sh|sql"
    r"|md|rst|txt|json|jsonl|toml|ya?ml|ini|cfg|conf|lock|log|csv|xml|html|css|scss|pdf|docx?|xlsx?|png|jpe?g"
    r"|gif|svg|zip|tar|gz|db|sqlite)",
    re.ASCII,
)
_SEGMENT = re.compile(r"[\w.@+~%:-]*", re.ASCII)
_WINDOWS = re.compile(r"[A-Za-z]:\\[\w.\\ -]{2,}|\\\\[\w.-]+\\[\w.\\-]+")
_IDENTIFIER = re.compile(
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"  # uuid
    r"|(?=[0-9a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,128}|0x[0-9a-fA-F]{3,64}"  # hashes, addresses
    r"|[A-Z][A-Z0-9]{1,9}-\d{1,7}|#\d{2,7}"  # tickets, issues
    r"|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+"  # MAX_RETRIES
    r"|v?\d+(?:\.\d+){2,4}(?:[-+.]?[A-Za-z][\w.+-]*)?|v\d+(?:\.\d+)+"  # versions, addresses of machines
    r"|[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+"  # mail
    r"|\+?\d{6,20}|\d{1,3}(?:-\d{3,4}){2,3}",  # long numbers, telephones
    re.ASCII,
)
_STANDARD = re.compile(
    r"(?:UTF|SHA|ISO|MD|AES|RSA|RFC|GPT|COVID|BASE|HTTP|TLS|IPV|INT|UINT|FLOAT|ARM|CUDA|ASCII|LATIN|TOP|CP|BM"
    r"|ES|MP|[XHFPQ])"
    r"-?\d{1,5}"
)
_MEASURE = re.compile(r"\d[\d.,:]*[A-Za-z]{1,4}|\d+x\d+", re.ASCII)
_TRAILING = ".,:;!?…\\"


def names_in(text: str) -> Iterator[tuple[int, NameKind, str]]:
    """Where each name stands, its kind and its spelling: URLs first, else in order. Linear in the text."""
    if "://" in text:
        for url in _URL.finditer(text):
            yield url.start(), "url", url.group().rstrip(_TRAILING)
        text = _URL.sub(_blank, text)
    known: dict[str, tuple[NameKind, str] | None] = {}
    for found in _CHUNK.finditer(text):
        chunk = found.group()
        if chunk.isalpha():
            continue
        if chunk not in known:
            known[chunk] = name_of(chunk)
        if (name := known[chunk]) is not None:
            yield found.start(), *name


def _blank(found: re.Match[str]) -> str:
    return " " * len(found.group())


def name_of(chunk: str) -> tuple[NameKind, str] | None:
    """What a run of characters without spaces names, None for an ordinary word."""
    word = chunk.rstrip(_TRAILING)
    if _SHORT_URL.fullmatch(word):
        return "url", word
    if "/" in word or "\\" in word or "." in word:
        path = _LINE_NUMBER.sub("", word)
        if is_path(path):
            return "path", path
    bare = word.lstrip(".:-@$")
    return ("identifier", bare) if is_identifier(bare) else None


def is_path(word: str) -> bool:
    """Whether it is spelled like a path; ``and/or``, ``10/04`` and ``text/html`` are not."""
    if "\\" in word:
        return bool(_WINDOWS.fullmatch(word))
    if "/" not in word:
        return bool(_SOURCE_FILE.fullmatch(word))
    parts = word.strip("/").split("/")
    if not all(map(_SEGMENT.fullmatch, parts)) or not any(map(str.isalpha, word)):
        return False
    if word.startswith(("./", "../", "~/")):
        return len(parts) > 1
    if word.startswith("/"):
        return len(parts) > 1 and "" not in parts
    return "" not in parts and bool(_EXTENSION.search(parts[-1]))


def is_identifier(word: str) -> bool:
    """Whether it is a ticket, hash, number of an order, version, code: exact, and said to be looked up."""
    if not any(map(str.isdigit, word)) and "_" not in word and "@" not in word:
        return False
    if _STANDARD.fullmatch(word) or _MEASURE.fullmatch(word):
        return False
    return bool(_IDENTIFIER.fullmatch(word)) or _is_code(word)


def _is_code(word: str) -> bool:
    """``HAT136``, ``4WQ150``, ``mia_li_3668``, ``toolu_01AbC9``: letters and digits that no word mixes so."""
    if not 5 <= len(word) <= 80 or not word.isascii() or not word.replace("_", "").replace("-", "").isalnum():
        return False
    digits, letters = sum(map(str.isdigit, word)), [letter for letter in word if letter.isalpha()]
    if not digits or len(letters) < 2:
        return False
    if digits >= 3 and ("_" in word or digits >= 5):
        return True
    return digits >= 2 and all(map(str.isupper, letters)) and word.isalnum()
