"""Files from the network: from several mirrors, resumed where they were cut, checked, and in place only when complete."""
import hashlib
import http.client
import os
import pathlib
import urllib.error
import urllib.request

import platformdirs
from tqdm import tqdm

from minicnn.errors import RunError

_PIECE = 1 << 16     # bytes read at a time
_PATIENCE = 30       # seconds without a byte before a mirror is given up


def folder(name):
    """Where the files of `name` are kept: below MINICNN_DATA if that is set, else below the user's cache folder."""
    chosen = os.environ.get("MINICNN_DATA")
    if chosen:
        return pathlib.Path(chosen).expanduser() / name
    return platformdirs.user_cache_path("minicnn", appauthor=False) / name


def fetch(addresses, path, checksum):
    """The path of a file, which is downloaded if it is not there.

    addresses  where it can be had, tried in this order
    path       where it shall lie
    checksum   "sha256:..." or "md5:...", hexadecimal, of its bytes; the beginning of it will do, which some publishers put into the name

    What arrives is kept beside it as `<name>.part` until it is complete and has the right checksum: so `path` never holds
    half a file, and the next call goes on where this one was cut. RunError if no mirror has it, or it cannot be written.
    """
    path = pathlib.Path(path)
    part = path.with_name(path.name + ".part")
    failures = []
    try:
        if path.exists():
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        for address in addresses:
            try:
                _fetch_from(address, part, checksum)
            except _MirrorFailed as problem:
                failures.append(f"{address.split('/')[2]} {problem}")
            else:
                part.replace(path)
                return path
    except OSError as problem:
        raise RunError(f"cannot write {part} ({problem.strerror}): make room there, or set MINICNN_DATA to a folder that can "
                       "be written") from None
    raise RunError(f"could not download {path.name} ({'; '.join(failures)}): run the same command again when the network "
                   f"is back, it goes on where it stopped, or put the file into {path.parent} yourself")


class _MirrorFailed(Exception):
    """What a mirror did wrong, to be said after its name."""


def _fetch_from(address, part, checksum):
    """Complete `part` from one mirror, and check it."""
    resumed = part.exists()
    while _transfer(address, part):
        pass
    if _has_checksum(part, checksum):
        return
    part.unlink()
    if not resumed:
        raise _MirrorFailed("sent a file with a wrong checksum")
    _fetch_from(address, part, checksum)   # what was there before may have been at fault


def _transfer(address, part):
    """One request: append to `part` what it lacks. True if the connection was cut on the way, and asking again may help."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(address, headers={"User-Agent": "minicnn"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=_PATIENCE)
    except urllib.error.HTTPError as problem:
        problem.close()
        if problem.code == 416 and have:   # nothing lies beyond what we have; the checksum will tell whether it is right
            return False
        raise _MirrorFailed(f"answered {problem.code} {problem.reason}") from None
    except (OSError, http.client.HTTPException) as problem:
        reason = getattr(problem, "reason", problem)
        raise _MirrorFailed(f"cannot be reached: {getattr(reason, 'strerror', None) or reason}") from None

    with response:
        start = have if response.status == 206 else 0   # 200: this mirror does not resume, and sends all from the beginning
        left = response.length   # bytes that are to come, None if the server does not say
        piece = _read(response)
        if response.headers.get_content_type() == "text/html" or piece.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")):
            raise _MirrorFailed("sent a web page instead of the file")
        with open(part, "ab" if start else "wb") as file, \
                tqdm(desc=part.stem, total=left and start + left, initial=start, unit="B", unit_scale=True, disable=None) as bar:
            while piece:
                file.write(piece)
                bar.update(len(piece))
                piece = _read(response)
            now = file.tell()
    if left is None or now == start + left:
        return False
    if now <= have:
        raise _MirrorFailed(f"cut the connection after {now:,} of {start + left:,} bytes")
    return True


def _read(response):
    """The next piece; b"" at the end, and when the connection was cut."""
    try:
        return response.read(_PIECE)
    except (OSError, http.client.HTTPException):
        return b""


def _has_checksum(path, checksum):
    algorithm, _, expected = checksum.partition(":")
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with open(path, "rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest().startswith(expected)
