"""Compiled objects on disk, so that a second process need not compile again.

One file per object, named by a hash of all that the object depends on. A file begins with a
checksum of the rest: a torn, truncated or altered one is removed and built anew. Files appear by
renaming, so that several processes may read and write at once. Nothing here may ever fail: without
a directory that can be written, code is compiled in each process.

``CHAINRULE_CACHE=0`` turns the cache off, ``CHAINRULE_CACHE=/path`` chooses its directory.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import stat
import tempfile
import time
from pathlib import Path

import platformdirs

__all__ = ["directory", "load", "store"]

_log = logging.getLogger(__name__)

LIMIT = 256 * 2**20  #: bytes that all the files may take together
_MAGIC = b"chainrule object 1\n"
_DIGEST = hashlib.sha256().digest_size
_SUFFIX = ".object"
_UNFINISHED = ".unfinished"
_ABANDONED = 3600.0  # seconds after which an unfinished file belongs to a process that has died

#: Bytes written since the directory was last measured, by directory. Nothing is known at first.
_unmeasured: dict[Path, int] = {}
_complained: set[str] = set()  # one line per directory is enough


def directory() -> Path | None:
    """Where objects are kept, or None if they are not."""
    chosen = os.environ.get("CHAINRULE_CACHE", "")
    if chosen == "0":
        return None
    try:
        if chosen:
            return Path(chosen).expanduser()
        return Path(platformdirs.user_cache_dir("chainrule", appauthor=False)) / "native"
    except RuntimeError:  # no home directory can be found
        return None


def load(key: str) -> bytes | None:
    """The object of this key, if there is a sound one."""
    folder = directory()
    if folder is None:
        return None
    path = folder / (key + _SUFFIX)
    try:
        with path.open("rb") as file:
            if not _is_ours(file.fileno()):
                return None
            content = file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        _complain(folder, error)
        return None
    start = len(_MAGIC) + _DIGEST
    payload = content[start:]
    if not content.startswith(_MAGIC) or content[len(_MAGIC) : start] != _checksum(key, payload):
        with contextlib.suppress(OSError):
            path.unlink()
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # the time of its last use decides what goes first
    return payload


def store(key: str, payload: bytes, limit: int | None = None) -> None:
    """Keep an object, and let the least recently used go beyond `limit` bytes (default `LIMIT`)."""
    folder = directory()
    if folder is None:
        return
    limit = LIMIT if limit is None else limit
    content = _MAGIC + _checksum(key, payload) + payload
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(folder, key, content)
        # Measuring reads the whole directory, so it waits until enough was written to matter.
        written = _unmeasured.get(folder, limit) + len(content)
        if written > limit // 16:
            _trim(folder, limit)
            written = 0
        _unmeasured[folder] = written
    except OSError as error:
        _complain(folder, error)


def _write(folder: Path, key: str, content: bytes) -> None:
    handle, name = tempfile.mkstemp(suffix=_UNFINISHED, dir=folder)
    try:
        with open(handle, "wb") as file:
            file.write(content)
        os.replace(name, folder / (key + _SUFFIX))
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _trim(folder: Path, limit: int) -> None:
    files: list[tuple[float, int, str]] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):  # another process may have removed it
                status = entry.stat()
                if entry.name.endswith(_SUFFIX):
                    files.append((status.st_mtime, status.st_size, entry.path))
                elif (
                    entry.name.endswith(_UNFINISHED) and time.time() - status.st_mtime > _ABANDONED
                ):
                    os.unlink(entry.path)
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if total <= limit:
            break
        with contextlib.suppress(OSError):
            os.unlink(path)
        total -= size


def _checksum(key: str, payload: bytes) -> bytes:
    """Of the key too, so that a file under another's name is not taken for it."""
    return hashlib.sha256(key.encode() + b"\0" + payload).digest()


def _is_ours(handle: int) -> bool:
    """Whether nobody else can have written the file: it is going to be executed."""
    if not hasattr(os, "geteuid"):
        return True  # Windows: the directory is inside the user's own
    status = os.fstat(handle)
    shared = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return status.st_uid == os.geteuid() and not shared


def _complain(folder: Path, error: OSError) -> None:
    if str(folder) not in _complained:
        _complained.add(str(folder))
        _log.debug("compiled code is not kept on disk, %s cannot be used: %s", folder, error)
