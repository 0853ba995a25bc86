"""Names that users choose, as stored text: escaped, so that lone surrogates and NUL survive anywhere.

Python's own escapes, not JSON's: those have one form for a character outside the basic plane and for the two
surrogates that spell it, and two sessions must never be taken for one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence


def escaped(name: str) -> str:
    """An ASCII form of ``name``; equal names and only those have equal forms."""
    return name.encode("unicode_escape").decode("ascii")


def unescaped(text: str) -> str:
    """The name that `escaped` was given."""
    return text.encode("ascii").decode("unicode_escape")


def listed(values: Sequence[str] | Sequence[int]) -> str:
    """Stored names or keys as the JSON array that a query unpacks with ``json_each``."""
    return json.dumps(values)
