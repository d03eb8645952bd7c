"""Files to write: found writable before the work begins, and never left half written."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chainrule.cli.faults import Fault, reason

__all__ = ["writing", "written"]


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
    target = Path(os.path.expanduser(target))
    with writing(option, target):
        if target.is_dir():
            raise Fault(f"{option} {target}: this is a folder")
        if any(target.exists() and target.samefile(source) for source in sources):
            raise Fault(f"{option} {target}: this would overwrite the file that the function is in")
        direct = target.exists() and not target.is_file()  # /dev/stdout, a pipe
        real = Path(os.path.realpath(target))  # a link stays one
        draft = real.with_name(f".{real.stem}.{os.getpid()}{real.suffix}")
        if not direct:
            if real.exists() and not os.access(real, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            draft.touch(exist_ok=False)
            if real.exists():
                shutil.copymode(real, draft)
    if direct:
        yield target
        return
    try:
        yield draft
        with writing(option, target):
            os.replace(draft, real)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def writing(option: str, target: Path) -> Iterator[None]:
    """Tell which option's file cannot be written."""
    try:
        yield
    except OSError as error:
        raise Fault(f"{option} {target}: cannot be written: {reason(error)}") from error
