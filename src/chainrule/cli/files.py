"""Files to write: found writable before the work begins, and never left half written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chainrule.cli.faults import Fault

__all__ = ["written"]


@contextmanager
def written(option: str, target: Path, sources: tuple[Path, ...] = ()) -> Iterator[Path]:
    """Yield a path to write to; what is there takes the target's place when all has gone well.

    Args:
        option: the command line option, for messages.
        target: where the file shall be.
        sources: files of the user's that must not be overwritten.

    Raises:
        Fault: the target cannot be written.
    """
    target = Path(os.path.realpath(target.expanduser()))
    if target.is_dir():
        raise Fault(f"{option} {target}: this is a folder")
    if any(target.exists() and target.samefile(source) for source in sources):
        raise Fault(f"{option} {target}: this would overwrite the file that the function is in")
    if target.exists() and not target.is_file():  # /dev/stdout, a pipe
        yield target
        return
    draft = target.with_name(f".{target.stem}.{os.getpid()}{target.suffix}")
    try:
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(13, "Permission denied")
        draft.touch(exist_ok=False)
        if target.exists():
            shutil.copymode(target, draft)
    except OSError as error:
        raise Fault(f"{option} {target}: cannot be written: {error.strerror}") from error
    try:
        yield draft
        os.replace(draft, target)
    except OSError as error:
        raise Fault(f"{option} {target}: cannot be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)
