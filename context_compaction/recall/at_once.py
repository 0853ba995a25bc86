"""Several reads of an archive as one."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from context_compaction.archive.base import Archive

Rest = ParamSpec("Rest")
Found = TypeVar("Found")


def at_once(
    look: Callable[Concatenate[Archive, Rest], Found],
) -> Callable[Concatenate[Archive, Rest], Found]:
    """Have all that a function reads of its archive be of one state: see `Archive.at_once`."""

    @wraps(look)
    def looking(archive: Archive, /, *rest: Rest.args, **named: Rest.kwargs) -> Found:
        with archive.at_once():
            return look(archive, *rest, **named)

    return looking
