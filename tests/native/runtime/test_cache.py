"""Compiled objects on disk: nothing may fail, whatever happens to the files."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chainrule.native.runtime import cache


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "objects"
    monkeypatch.setenv("CHAINRULE_CACHE", str(folder))
    return folder


def test_what_is_stored_is_found(folder: Path) -> None:
    assert cache.load("key") is None
    cache.store("key", b"object")
    assert cache.load("key") == b"object"
    assert cache.load("other") is None
    cache.store("key", b"")
    assert cache.load("key") == b""
    assert [x.name for x in folder.iterdir()] == ["key.object"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-1],
        lambda content: content[:20],
        lambda content: content + b"x",
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda content: b"x" + content[1:],
    ],
    ids=["emptied", "cut", "cut early", "lengthened", "one bit", "another kind"],
)
def test_a_damaged_file_is_removed(folder: Path, damage) -> None:  # type: ignore[no-untyped-def]
    cache.store("key", b"object")
    (file,) = folder.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    assert cache.load("key") is None
    assert not file.exists()
    cache.store("key", b"object")
    assert cache.load("key") == b"object"


def test_a_file_under_another_name_is_not_taken(folder: Path) -> None:
    cache.store("key", b"object")
    (folder / "key.object").rename(folder / "other.object")
    assert cache.load("other") is None


@pytest.mark.skipif(os.name != "posix", reason="there are no such permissions")
def test_a_file_that_others_may_write_is_not_executed(folder: Path) -> None:
    cache.store("key", b"object")
    assert (folder.stat().st_mode & 0o077) == 0
    (folder / "key.object").chmod(0o666)
    assert cache.load("key") is None


def test_the_least_recently_used_go(folder: Path) -> None:
    for k in range(8):
        cache.store(f"key{k}", bytes(1000))
        os.utime(folder / f"key{k}.object", (k, k))
    assert cache.load("key2") is not None
    cache.store("last", bytes(1000), limit=4500)
    assert sorted(x.stem for x in folder.iterdir()) == ["key2", "key6", "key7", "last"]


def test_the_size_stays_bounded(folder: Path) -> None:
    for k in range(100):
        cache.store(f"key{k}", bytes(1000), limit=20_000)
    total = sum(x.stat().st_size for x in folder.iterdir())
    assert total < 20_000 * 17 / 16 + 1100


def test_what_a_dead_process_left_goes(folder: Path) -> None:
    cache.store("key", b"object")
    old, new = folder / "old.unfinished", folder / "new.unfinished"
    old.touch()
    new.touch()
    os.utime(old, (time.time() - 7200,) * 2)
    cache.store("last", b"object", limit=10**5)
    cache.store("last", bytes(10**4), limit=10**5)
    assert not old.exists()
    assert new.exists()


@pytest.mark.parametrize("case", ["a file in its place", "no permission", "full"])
def test_without_a_usable_directory_there_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    case: str,
) -> None:
    folder = tmp_path / "objects"
    monkeypatch.setenv("CHAINRULE_CACHE", str(folder))
    if case == "a file in its place":
        folder.touch()
    elif case == "no permission":

        def refuse(*args: object, **options: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "mkdir", refuse)  # tests may run as root, whom nothing stops
    else:

        def full(*args: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "replace", full)
    with caplog.at_level(logging.DEBUG):
        for _ in range(3):
            cache.store("key", b"object")
            assert cache.load("key") is None
    assert len(caplog.records) == 1
    assert caplog.records[0].levelno == logging.DEBUG
    assert str(folder) in caplog.text
    assert not folder.is_dir() or not list(folder.iterdir())


def test_the_environment_chooses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINRULE_CACHE", "0")
    assert cache.directory() is None
    cache.store("key", b"object")
    assert cache.load("key") is None
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path))
    assert cache.directory() == tmp_path
    monkeypatch.delenv("CHAINRULE_CACHE")
    if sys.platform == "linux":
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        assert cache.directory() == tmp_path / "chainrule" / "native"


WRITER = """
import sys
from chainrule.native.runtime import cache
for round in range(200):
    for k in range(3):
        found = cache.load(f"key{k}")
        assert found is None or found == bytes([k]) * 5000, "torn"
        cache.store(f"key{k}", bytes([k]) * 5000, limit=12_000)
"""


def test_several_processes_at_once(folder: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER]) for _ in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    assert not list(folder.glob("*.unfinished"))


COMPILING = """
import numpy as np
import chainrule as cr
weights, scale, bias, shift = (np.full(3, float(k)) for k in range(4))
f = cr.compile(lambda x: (x + weights) * scale / (bias + 1) - shift)
f(np.ones(3))
"""


def test_every_process_compiles_the_same_code(folder: Path) -> None:
    files = []
    for seed in ("1", "2", "3", "4"):  # of the order of sets of names
        env = os.environ | {"PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", COMPILING], env=env, check=True, timeout=60)
        files.append(sorted(x.name for x in folder.glob("*.object")))
    assert files[0]
    assert files == [files[0]] * 4
