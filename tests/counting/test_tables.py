"""Where tiktoken's tables come from, and what happens where there are none."""

import logging
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
import tiktoken

from context_compaction.counting import TiktokenCounter, tables

TEXT = "The old lighthouse, don't tear it down: 12345!"
O200K = "fb374d419588a4632f3f557e76b4b70aebbca790"  # the name of its table in tiktoken's cache folders


def bundled() -> Path:
    """The table that llama-index-core brings, or a skip."""
    spec = find_spec("llama_index")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        table = Path(place) / "core" / "_static" / "tiktoken_cache" / O200K
        if table.exists():
            return table
    pytest.skip("llama-index-core is not installed: no bundled table")


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """No network, an empty user cache, nothing loaded before. Returns the attempts to connect."""
    attempts: list[object] = []

    def refuse(*args: object, **kwargs: object):
        attempts.append(args)
        raise OSError("the network is cut off")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(tiktoken.registry, "ENCODINGS", {})
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("DATA_GYM_CACHE_DIR", raising=False)
    for proxy in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(proxy, raising=False)
        monkeypatch.delenv(proxy.upper(), raising=False)
    tables.forget_encodings()
    yield attempts
    tables.forget_encodings()


def without_bundle(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tables, "find_spec", lambda name: None)


def test_bundled_table_needs_no_network_and_counts_exactly(offline: list[object]):
    expected = tiktoken_reference()
    before = dict(os.environ)
    counter = TiktokenCounter()
    assert counter.text(TEXT) == expected
    assert (counter.name, counter.exact) == ("tiktoken/o200k_base", True)
    assert offline == []
    assert dict(os.environ) == before


def tiktoken_reference() -> int:
    """The count by tiktoken itself, in a process of its own that reads the bundled table its own way."""
    code = "import sys, tiktoken; print(len(tiktoken.get_encoding('o200k_base').encode(sys.argv[1])))"
    env = {**os.environ, "TIKTOKEN_CACHE_DIR": str(bundled().parent)}
    out = subprocess.run(
        [sys.executable, "-c", code, TEXT], env=env, capture_output=True, text=True, check=True
    )
    return int(out.stdout)


def test_bundled_table_is_found_without_importing_llama_index():
    bundled()
    code = (
        "import sys, os; os.environ['TIKTOKEN_CACHE_DIR'] = ''\n"
        "from context_compaction.counting import TiktokenCounter; assert 'tiktoken' not in sys.modules\n"
        "assert TiktokenCounter().name == 'tiktoken/o200k_base'\n"
        "assert not [name for name in sys.modules if name.startswith('llama_index')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


@pytest.mark.parametrize("variable", ["TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"])
def test_users_own_cache_comes_first(
    offline: list[object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
):
    table = bundled()
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR")
    monkeypatch.setenv(variable, str(tmp_path))
    shutil.copy(table, tmp_path / O200K)
    without_bundle(monkeypatch)
    monkeypatch.delattr(tiktoken, "get_encoding")  # which might download
    assert TiktokenCounter().name == "tiktoken/o200k_base"
    assert offline == []


def test_damaged_cache_is_passed_over_and_left_alone(
    offline: list[object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    bundled()
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    (tmp_path / O200K).write_bytes(b"IQ== 0\n")
    assert TiktokenCounter().text(TEXT) == tiktoken_reference()
    assert (tmp_path / O200K).read_bytes() == b"IQ== 0\n"
    assert offline == []


def test_without_any_table_an_estimate_counts_and_says_so_once(
    offline: list[object], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    without_bundle(monkeypatch)
    with caplog.at_level(logging.WARNING):
        counter = TiktokenCounter()
        assert 8 <= counter.text(TEXT) <= 18
        assert (counter.name, counter.exact) == ("approximate", False)
        tried = len(offline)
        assert TiktokenCounter().name == "approximate"
    assert tried > 0
    assert len(offline) == tried  # the failure is remembered
    assert len(caplog.records) == 1
    assert TEXT not in caplog.text


def test_network_that_hangs_is_given_up(offline: list[object], monkeypatch: pytest.MonkeyPatch):
    release = threading.Event()
    without_bundle(monkeypatch)
    monkeypatch.setattr(tables, "NETWORK_SECONDS", 0.05)
    monkeypatch.setattr(tiktoken, "get_encoding", lambda name: release.wait(30))
    start = time.monotonic()
    try:
        assert TiktokenCounter().name == "approximate"
        assert time.monotonic() - start < 5
    finally:
        release.set()


def test_threads_share_one_load(offline: list[object], monkeypatch: pytest.MonkeyPatch):
    bundled()
    loads: list[str] = []
    real = tables.read_table
    monkeypatch.setattr(tables, "read_table", lambda url, expected_hash=None: loads.append(url) or real(url))
    counts: list[int] = []
    counter = TiktokenCounter()
    threads = [threading.Thread(target=lambda: counts.append(counter.text(TEXT))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1
    assert len(set(counts)) == 1
    assert len(counts) == 8


@pytest.mark.parametrize("name", ["cl100k_base", "o200k_harmony"])
def test_other_encodings_of_a_bundled_table_load_too(offline: list[object], name: str):
    if name not in tiktoken.list_encoding_names():
        pytest.skip("tiktoken has it from 0.10 on")
    bundled()
    assert TiktokenCounter(name).name == f"tiktoken/{name}"
    assert offline == []


def test_unknown_encoding_is_refused():
    with pytest.raises(ValueError, match="o900k"):
        TiktokenCounter("o900k").text("x")
