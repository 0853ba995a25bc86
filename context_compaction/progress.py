"""Progress bars for what takes long, with tqdm where it is installed."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable
from typing import Any, TypeVar, cast

T = TypeVar("T")
PATIENCE = 0.5
"""Seconds that something has to take before it gets a bar."""


def with_progress(
    items: Iterable[T], what: str, *, total: int | None = None, unit: str = "it"
) -> Iterable[T]:
    """The items, and a bar of how many are done.

    Shown in a notebook, and where standard error is a terminal, once it takes longer than `PATIENCE`; without
    tqdm (extra ``notebook``) nowhere. ``TQDM_DISABLE=1`` switches it off. ``total``: how many
    there are, where the items do not say.
    """
    bar = _bar() if _watched() else None
    if bar is None:
        return items
    return cast("Iterable[T]", bar(items, desc=what, total=total, unit=unit, delay=PATIENCE, leave=False))


def _watched() -> bool:
    """Whether somebody looks on."""
    errors: Any = sys.stderr  # None where there is no console
    return "ipykernel" in sys.modules or (errors is not None and errors.isatty())


def _bar() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that there are no widgets: then it is a line of text
            from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm
