"""Secrets by their spelling: keys, tokens and passwords, each replaced by what it was."""

from __future__ import annotations

import re

_BEGINS = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"
"""Where a word begins, also behind a line break as JSON writes it."""
_TOKEN = re.compile(
    _BEGINS + r"(?=[AGSaeghnprswxy])(?:"
    r"(?P<aws_key>A(?:KIA|SIA|GPA|IDA|ROA|NPA|NVA|IPA)[A-Z0-9]{16}(?![A-Za-z0-9]))"
    r"|(?P<github_token>gh[oprsu]_[A-Za-z0-9]{36,}|github_pat_\w{22,})"
    r"|(?P<gitlab_token>gl(?:pat|dt|rt|cbt|ptt|soat|ft|imt|agent|oas)-[\w-]{20,})"
    r"|(?P<slack_token>xox[abceoprs]-[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{10,})"
    r"|(?P<api_key>sk-(?=[\w-]{0,60}\d)[\w-]{20,}|hf_[A-Za-z0-9]{30,}|npm_[A-Za-z0-9]{36,}"
    r"|pypi-[\w-]{50,}|SG\.[\w-]{16,32}\.[\w-]{16,})"
    r"|(?P<google_key>AIza[\w-]{35,}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,})"
    r"|(?P<stripe_key>[rs]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9]{24,})"
    r"|(?P<jwt>eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*)"
    r")",
    re.ASCII,
)
_KEY_BEGINS = re.compile(r"-----BEGIN ([A-Z0-9 ]{0,40})PRIVATE KEY( BLOCK)?-----")
_KEY_BODY = re.compile(r"(?:\\+[nr]|[A-Za-z0-9+/=\s:,.\"'-])*")
"""Of a key whose end is missing."""
_AUTHORIZATION = re.compile(
    rf"({_BEGINS}authorization[\"'\\]{{0,3}}\s{{0,3}}[:=]\s{{0,3}}[\"'\\]{{0,3}}(?:bearer|basic|token|digest)\s{{1,3}}"
    rf"|{_BEGINS}bearer\s{{1,3}}(?=[^\s\"'\\]{{0,100}}\d)(?=[^\s\"'\\]{{20}}))"
    r"(?!\[redacted:)[^\s\"'\\,;<>${}]{8,}",
    re.IGNORECASE,
)
_URL = re.compile(
    r"(?i)(\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"'<>]{0,100}:)(?!\[redacted:)[^\s/@\"'<>]{1,300}(?=@)"
)
_ASSIGNED = re.compile(
    r"(?i)(?=[apst])(?P<name>pass(?:word|wd|phrase)|pwd|secret(?:[_-]?key)?"
    r"|(?:api|access|private|auth|account)[_-]?key|(?<!page)(?<!page[_-])token)"
    r"(?P<sign>[\"'\\]{0,3}\s{0,3}(?::=|=>|[:=])\s{0,3})(?P<quote>\\{0,2}[\"'`])?"
    r"(?P<value>(?(quote)[^\s\"'`\\]|[^\s\"'`\\,;&)}\]<>|]){4,})"
)
_PASSWORD = re.compile(r"(?i)pass|pwd")
_NO_VALUE = re.compile(
    r"\[redacted:|[<{$%*/.~]|x{3}"
    r"|(?:your|my|some|the|example|placeholder|changeme|redacted|hidden)(?:[-_ ]|$)"
    r"|(?:str|string|none|null|true|false|undefined|required|optional|any|password|secret|token|text|hidden"
    r"|number|bool|boolean|object|invalid|missing|empty|default|process|self|this|env|input|bytes)\b"
    r"|[a-z_]\w*(?:\.[a-z_]\w*)*[(\[]|[a-z_]\w*(?:\.[a-z_]\w*)+$",  # f(x), a[0], a.b: code that gets it
    re.IGNORECASE,
)
_LEAST_TOKEN = 8


def redact_secrets(text: str) -> str:
    """The text with keys, tokens and passwords as ``[redacted:kind]``.

    Private keys (PEM), keys of AWS, GitHub, GitLab, Slack, Google, Stripe and of the form ``sk-...``, web
    tokens, what follows ``Authorization: Bearer``, passwords in URLs, values that are assigned to a name such
    as ``password`` or ``api_key``. Told by spelling: a secret in no known form stays. Twice is as once.
    """
    text = _without_private_keys(text)
    text = _TOKEN.sub(lambda found: f"[redacted:{(found.lastgroup or '').replace('_', '-')}]", text)
    if "://" in text:
        text = _URL.sub(r"\1[redacted:password]", text)
    text = _AUTHORIZATION.sub(r"\1[redacted:authorization]", text)
    return _ASSIGNED.sub(_assigned, text)


def _without_private_keys(text: str) -> str:
    kept: list[str] = []
    done = 0
    begins = list(_KEY_BEGINS.finditer(text))
    if not begins:
        return text
    for found, following in zip(begins, [*begins[1:], None], strict=True):
        limit = following.start() if following else len(text)
        closing = f"-----END {found.group(1)}PRIVATE KEY{found.group(2) or ''}-----"
        end = text.find(closing, found.end(), limit)
        body = _KEY_BODY.match(text, found.end(), limit)
        kept += [text[done : found.start()], "[redacted:private-key]"]
        done = end + len(closing) if end >= 0 else body.end() if body else found.end()
    return "".join((*kept, text[done:]))


def _assigned(found: re.Match[str]) -> str:
    name, sign, quote, value = found.group("name", "sign", "quote", "value")
    if not _is_secret(name, value, quoted=bool(quote)):
        return found.group()
    kind = "password" if _PASSWORD.search(name) else "secret"
    return f"{name}{sign}{quote or ''}[redacted:{kind}]"


def _is_secret(name: str, value: str, *, quoted: bool) -> bool:
    """Whether an assigned value is one, and not a type, a placeholder, or code that gets it elsewhere."""
    if _NO_VALUE.match(value) or "..." in value:
        return False
    plain = value.replace("_", "").isalpha()
    if _PASSWORD.search(name):
        return quoted or not plain
    return len(value) >= _LEAST_TOKEN and not plain and not value.isdigit()
