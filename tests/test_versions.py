"""Which releases of other packages are supported: what pyproject.toml says is what is tested."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
USED = ("agents", "demo", "drafter", "embeddings", "langchain", "llamaindex", "notebook", "postgres")
"""Extras of users, as against those of who develops this."""
UNTESTED = {"torch": "its lowest releases are there with CUDA's libraries only, which are gigabytes"}


def requirements(texts: list[str]) -> dict[str, Requirement]:
    found = (Requirement(text) for text in texts)
    return {canonicalize_name(each.name): each for each in found if each.name != PROJECT["name"]}


def pins(name: str) -> dict[str, Version]:
    lines = (ROOT / name).read_text().splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(package): Version(version) for package, version in pairs}


def lowest(requirement: Requirement) -> Version:
    (bound,) = (each.version for each in requirement.specifier if each.operator == ">=")
    return Version(bound)


RUN = requirements([*PROJECT["dependencies"], *(text for extra in USED for text in EXTRAS[extra])])


@pytest.mark.parametrize("package", sorted(RUN.keys() - UNTESTED.keys()))
def test_the_lowest_release_that_is_promised_is_the_one_that_is_tested(package: str):
    assert pins("constraints-lowest.txt")[package] == lowest(RUN[package])


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-lowest.txt"])
def test_what_is_tested_is_within_what_is_promised(name: str):
    pinned = pins(name)
    wanted = requirements([*PROJECT["dependencies"], *(text for extra in EXTRAS.values() for text in extra)])
    outside = {
        package
        for package in wanted.keys() & pinned.keys()
        if pinned[package] not in wanted[package].specifier
    }
    assert outside == set()
    assert RUN.keys() <= pinned.keys()


def test_no_extra_says_another_bound_than_the_next():
    bounds: dict[str, set[str]] = {}
    for texts in EXTRAS.values():
        for package, requirement in requirements(texts).items():
            bounds.setdefault(package, set()).add(str(requirement.specifier))
    assert {package: found for package, found in bounds.items() if len(found) > 1} == {}


def test_the_page_on_versions_names_the_bounds():
    page = (ROOT / "docs" / "compatibility.md").read_text()
    rows = dict(re.findall(r"^\| ([a-z-]+) \| ([\d.]+) \|", page, flags=re.MULTILINE))
    assert {package: Version(version) for package, version in rows.items()} == {
        package: lowest(requirement) for package, requirement in RUN.items()
    }
