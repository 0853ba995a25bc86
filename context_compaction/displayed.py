"""`Displayed`: what shows itself as HTML where a notebook asks it to."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Displayed:
    """A value that a notebook shows as HTML, written by `display`, which is loaded when it is asked for."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return shown_by("showing", "html_of")(self)


def shown_by(module: str, function: str) -> Any:
    """A function of `context_compaction.display`, by name: what is shown knows nothing of it."""
    return getattr(import_module(f"context_compaction.display.{module}"), function)
