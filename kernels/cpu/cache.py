"""Compiled kernels on disk: one file for each kernel, signature and state of the sources."""
import contextlib
import functools
import hashlib
import os
import pathlib
import pickle
import re

import numba
from numba.core.serialize import dumps


class MachineCode:
    """Stands in for Numba's own cache file of one function, which does not serve here for two reasons.

    Numba checks a cached function against the file that holds it; ours are built from other files' intrinsics and helpers too, and an
    edit there must not leave the old machine code in use. And its index of numbered data files mixes them up when two programs
    compile at the same time. Here a file's name says all that its contents depend on, and it appears whole or not at all.
    """

    def __init__(self, numba_file):
        self._folder = pathlib.Path(numba_file._cache_path)
        self._name = re.sub(r"-\d+(?=\.py)", "", pathlib.Path(numba_file._index_name).stem)   # without the line it stands on
        self._sources = _digest(numba_file._source_stamp, _sources(), numba.__version__)

    def load(self, key):
        """The compiled function for a signature and processor, or None."""
        try:
            return pickle.loads(self._path(key).read_bytes())
        except OSError:
            return None

    def save(self, key, data):
        with contextlib.suppress(OSError):   # no room: the next run compiles again
            for old in self._folder.glob(f"{self._name}.*.nbc"):
                if not old.name.startswith(f"{self._name}.{self._sources}."):
                    old.unlink(missing_ok=True)
            path = self._path(key)
            partial = path.with_suffix(f".{os.getpid()}")
            try:
                partial.write_bytes(dumps(data))
                os.replace(partial, path)
            finally:
                partial.unlink(missing_ok=True)

    def flush(self):
        for path in self._folder.glob(f"{self._name}.*.nbc"):
            path.unlink(missing_ok=True)

    def _path(self, key):
        signature, processor, code = key
        return self._folder / f"{self._name}.{self._sources}.{_digest(str(signature), processor, code)}.nbc"


def _digest(*facts):
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:12]


@functools.cache
def _sources():
    """A digest of every source file in this folder."""
    digest = hashlib.sha256()
    for path in sorted(pathlib.Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
