"""Names that users choose, as stored text: JSON-escaped, so that lone surrogates and NUL survive anywhere."""

from __future__ import annotations

import json


def escaped(name: str) -> str:
    """An ASCII form of ``name``; equal names and only those have equal forms."""
    return json.dumps(name)[1:-1]


def unescaped(text: str) -> str:
    """The name that `escaped` was given."""
    return json.loads(f'"{text}"')


def listed(names: list[str]) -> str:
    """Stored names as the JSON array that a query unpacks with ``json_each``."""
    return json.dumps(names)
