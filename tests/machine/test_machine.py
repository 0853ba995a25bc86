"""The whole contract at once: sessions on a real archive, and a plain model of what they promise."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.machine.keeping import Keeping
from tests.machine.listing import Listing
from tests.machine.serving import Serving
from tests.machine.talking import Talking

STORM = os.environ.get("HYPOTHESIS_PROFILE") == "storm"
SETTINGS = settings(
    max_examples=60 if STORM else 12,
    stateful_step_count=30 if STORM else 25,
    derandomize=not STORM,  # only a storm looks for what nobody has seen yet
    suppress_health_check=settings.get_profile("storm").suppress_health_check,
)


class InAFile(Talking, Listing, Keeping):
    """In a file that is closed and opened again."""


class InMemory(Talking, Listing, Keeping):
    """Without a file."""

    memory = True
    elsewhere = True


class OnAServer(Talking, Listing, Serving):
    """In a schema of a PostgreSQL server."""


def test_an_archive_in_a_file_is_what_the_model_says() -> None:
    run_state_machine_as_test(InAFile, settings=SETTINGS)


def test_an_archive_in_memory_is_what_the_model_says() -> None:
    run_state_machine_as_test(InMemory, settings=SETTINGS)


@pytest.mark.parametrize("examples", [2, pytest.param(12, marks=pytest.mark.slow)])
def test_an_archive_on_a_server_is_what_the_model_says(examples: int, postgres_server: str) -> None:
    machine = type("OnThisServer", (OnAServer,), {"server": postgres_server})
    run_state_machine_as_test(machine, settings=settings(SETTINGS, max_examples=examples))
