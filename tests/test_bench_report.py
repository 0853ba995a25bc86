"""The report: what it holds, how it becomes a page, what it says of parts that failed, what we lose at."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks import Contest, Skipped, Table, __main__, _report, _running, counting
from benchmarks._contest import number
from benchmarks._machine import without_paths
from benchmarks._markdown import page
from benchmarks._outcome import Outcome, Report

DOCS = Path(__file__).parents[1] / "docs"
COLUMNS = ("set", "by", "@5", "ms")
ROWS = [["one", "ours", "0.5", "1,200.5"], ["", "theirs", ".75", "8 ms"], ["two", "ours", "0.9", "3"]]
CONTEST = Contest("ours", ("theirs", "others"), more=("@5",), less=("ms",), names=1, within=(0,))


def table(rows: Sequence[Sequence[object]] = ROWS) -> Table:
    return Table("Who | what", COLUMNS, rows, ["a <note>", "  that goes on", "another"], [CONTEST])


def report(*parts: Outcome) -> Report:
    return Report("make bench", "2026-01-31", {"cores": "2"}, {"langchain": "1.4"}, parts)


def part(name: str = "turn", **fields: object) -> Outcome:
    whole = {"became": "measured", "table": table(), "load": (0.5, 0.75), "seconds": 12.0, **fields}
    return Outcome(name, f"What {name} does.", command=f"python -m benchmarks {name}", **whole)  # pyright: ignore[reportArgumentType]


def test_a_report_comes_back_equal_and_gives_the_same_page(tmp_path: Path):
    made = report(part(), part("recall", became="skipped", table=None, reason="no conversations"))
    made.write(tmp_path / "benchmarks.json")
    again = Report.read(tmp_path / "benchmarks.json")
    assert page(again) == page(made)
    again.write(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "benchmarks.json").read_bytes()
    assert not list(tmp_path.glob("*.part"))


def test_the_page_in_the_docs_is_what_the_file_beside_it_gives():
    assert page(Report.read(DOCS / "benchmarks.json")) == (DOCS / "benchmarks.md").read_text(encoding="utf-8")


def test_the_report_in_the_docs_says_nothing_of_where_it_was_made():
    text = (DOCS / "benchmarks.json").read_text(encoding="utf-8")
    assert without_paths(text) == text


def test_every_part_is_on_the_page_with_what_became_of_it():
    failed = part("recall", became="failed", table=None, reason="RuntimeError: broken")
    text = page(report(part(), failed, part("sizes", became="not run", table=None, reason="it takes long")))
    assert "| [recall](#recall) | What recall does. | failed |" in text
    assert "**Failed**: RuntimeError: broken." in text
    assert "**Not run**: it takes long." in text
    assert "`python -m benchmarks turn`" in text
    assert "- a &lt;note> that goes on\n- another" in text
    assert "|---|---|---:|---:|" in text  # columns of numbers to the right


@pytest.mark.parametrize(("load", "busy"), [((0.5, 1.9), False), ((0.5, 6.1), True)])
def test_a_busy_machine_is_told(load: tuple[float, float], busy: bool):
    text = page(report(part(load=load)))
    assert ("The machine was busy" in text) is busy
    assert (f"**load 0.5 -> {load[1]}**" in text) is busy


def test_what_we_lose_at_is_read_off_the_tables():
    losses = [(loss.group, loss.measure, loss.our_cell, loss.their_cell) for loss in table().losses]
    assert losses == [("one", "@5", "0.5", ".75"), ("one", "ms", "1,200.5", "8 ms")]
    assert "| turn | one | ms | ours | 1,200.5 | theirs | **8 ms** |" in page(report(part()))
    assert table([["one", "ours", "0.5", "7"], ["", "theirs", "0.5", "8"]]).losses == []
    assert table([["one", "ours", "-", "7"], ["", "theirs", "0.5", "-"]]).losses == []
    assert "None in these parts." in page(report(part(table=table(ROWS[2:]))))


def test_contenders_may_be_columns():
    contest = Contest("ours", ("theirs",), less=("error",), columns=True)
    rows = [["error", "3 %", "2.5 %"], ["other", "3", "2"]]
    assert [loss.their_cell for loss in Table("", ("", "ours", "theirs"), rows, (), [contest]).losses] == [
        "2.5 %"
    ]


@pytest.mark.parametrize(
    ("cell", "value"), [("1,234 ms", 1234), ("~.35x", 0.35), ("-", None), ("39 of 40", 39), ("-2.5 %", -2.5)]
)
def test_the_number_of_a_cell(cell: str, value: float | None):
    assert number(cell) == value


def test_paths_are_cut_to_their_last_part():
    assert without_paths("no file '/home/ann/data/x.json' of 3 / 4, a/b") == "no file 'x.json' of 3 / 4, a/b"


def test_a_part_in_a_process_of_its_own(tmp_path: Path):
    outcome = _running.ran_apart("counting", tmp_path, 120)
    assert (outcome.became, outcome.table) == ("skipped", None)
    assert outcome.reason.startswith("no conversations")
    assert outcome.about.startswith("How near the counts come")


def test_a_part_that_takes_too_long_or_dies_has_failed(monkeypatch: pytest.MonkeyPatch):
    assert _running.ran_apart("counting", None, 0.01).reason == "stopped after 0 s"
    monkeypatch.setattr(sys, "executable", shutil.which("true"))
    outcome = _running.ran_apart("counting", None, 60)
    assert (outcome.became, outcome.reason) == ("failed", "its process ended without a word")


def test_whatever_a_part_raises_is_its_outcome(monkeypatch: pytest.MonkeyPatch):
    def run(data: Path | None) -> Table:
        raise RuntimeError("broken in /home/ann/x.py") if data is None else Skipped("not here")

    monkeypatch.setattr(counting, "run", run)
    outcome = _running.ran("counting", None, {})
    assert (outcome.became, outcome.reason) == ("failed", "RuntimeError: broken in x.py")
    assert _running.ran("counting", Path(), {}).became == "skipped"


class Parts:
    """In place of the processes: notes what was asked for."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.became = "measured"

    def __call__(self, name: str, _data: Path | None, _limit: float) -> Outcome:
        self.ran.append(name)
        return part(name, became=self.became, table=table() if self.became == "measured" else None)


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Parts:
    made = Parts()
    monkeypatch.setattr(_report, "ran_apart", made)
    return made


def test_a_report_of_everything_but_what_takes_long(tmp_path: Path, parts: Parts):
    assert __main__.main(["report", "--out", str(tmp_path)]) == 0
    assert set(parts.ran) == set(__main__.names()) - _report.LONG.keys()
    assert parts.ran[0] == "quality"
    made = Report.read(tmp_path / "benchmarks.json")
    sizes = made.part("sizes")
    assert sizes is not None
    assert (sizes.became, sizes.reason) == ("not run", _report.LONG["sizes"])
    assert (tmp_path / "benchmarks.md").read_text(encoding="utf-8") == page(made)


def test_some_parts_anew_and_the_rest_as_they_were(tmp_path: Path, parts: Parts):
    out = ["--out", str(tmp_path)]
    __main__.main(["report", "--only", "turn,recall", *out])
    parts.became = "failed"
    assert __main__.main(["report", "--only", "recall", *out]) == 1
    assert parts.ran == ["recall", "turn", "recall"]
    found = Report.read(tmp_path / "benchmarks.json")
    assert [each.name for each in found.parts if each.became == "measured"] == ["turn"]
    parts.became = "measured"
    __main__.main(["report", "--only", "turn,recall,rungs", "--resume", *out])
    assert parts.ran[3:] == ["recall", "rungs"]
    (tmp_path / "benchmarks.md").unlink()
    assert __main__.main(["report", "--render", *out]) == 0
    assert parts.ran[5:] == []
    assert (tmp_path / "benchmarks.md").exists()


@pytest.mark.parametrize("wrong", [["--only", "nothing"], ["--data", "no/such/folder"], ["--render"]])
def test_wrong_arguments_of_the_report_are_told(tmp_path: Path, parts: Parts, wrong: list[str]):
    with pytest.raises(SystemExit):
        __main__.main(["report", "--out", str(tmp_path), *wrong])
    assert not parts.ran
