"""What a LangChain model says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast


def profile_of(model: object) -> Mapping[str, Any]:
    """Its profile; empty where it has none."""
    found: Any = getattr(model, "profile", None)
    return cast("Mapping[str, Any]", found if isinstance(found, Mapping) else {})


def max_input_tokens(profile: Mapping[str, Any]) -> int | None:
    """What the model can read; None if its profile does not say."""
    tokens = profile.get("max_input_tokens")
    return tokens if isinstance(tokens, int) and tokens > 0 else None
