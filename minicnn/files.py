"""Writing files so that a reader finds the old one or the new one, whole, whatever happens in between."""
import contextlib
import os
import pathlib

from minicnn.errors import RunError


@contextlib.contextmanager
def replacing(path):
    """Yields the path of a file beside `path` to write; on leaving it is brought to disk and takes the place of `path`.

    If anything fails, the half-written file is removed and `path` stays as it was; a full disk or a folder that cannot be written
    is a RunError.
    """
    path = pathlib.Path(path)
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        with open(partial, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}. What was there before is as it was; "
                       "make room there, or choose another place") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def write_text(path, text):
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")
