"""Backups: a copy of a whole city that can be checked byte by byte, made while writing goes on.

What a release holds never changes once it is sealed, so nearly everything is copied without stopping a writer; under
the writer's lock only what changed meanwhile is copied again. Files that releases share by hard links are shared in the
copy too. A copy gets its name when it is whole and on the disk; what is left of one that was interrupted is cleared by
the next. Tokens are left out unless they are asked for.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any, Final

from stadtgraph.access import FILE_NAME as TOKENS
from stadtgraph.errors import BusyError, InputError, StadtgraphError, StoreError, UsageError
from stadtgraph.release import Releases, View, writer_lock
from stadtgraph.release.manifest import sync_folder, sync_tree, write_durably

LIST: Final = "backup.json"
FORMAT: Final = 1
_LEFT_OUT: Final = frozenset({"drafts", "lock", "pending"})
_BLOCK: Final = 1 << 20
_PATIENCE: Final = 600.0
Progress = Callable[[str], None]
"""Called with ``copied`` once nearly everything is copied, ``locked`` under the lock, ``done`` when it is whole."""


@dataclass(frozen=True, slots=True)
class Backed:
    """What a backup holds: how many releases and files, how many bytes, and whether tokens."""

    releases: int
    files: int
    bytes: int
    tokens: bool


def _quiet(_step: str) -> None:
    return None


def backup(city: Path, target: Path, *, tokens: bool = False, progress: Progress = _quiet) -> Backed:
    """Copy the city in the folder ``city`` to the new folder ``target``.

    Raises :class:`UsageError` where ``target`` holds something already or lies in the city, :class:`BusyError` where
    another backup to it runs or a writer does not end, :class:`StoreError` where the disk fails. Then there is no
    ``target``, and the city is as it was.
    """
    if not Releases(city).ids():
        raise UsageError("backup-no-city", path=city.name)
    if target.resolve().is_relative_to(city.resolve()):
        raise UsageError("backup-inside", path=target.name)
    with _making(target, "backup-failed") as part:
        copy = _Copy(city, part, tokens)
        copy.follow()
        progress("copied")
        with _locked(city):
            progress("locked")
            copy.follow()
        found = copy.finish()
        progress("done")
    return found


def restore(source: Path, city: Path) -> Backed:
    """Make the folder ``city`` from the backup in ``source``, checking every byte.

    Raises :class:`UsageError` where ``city`` holds something already, :class:`InputError` naming the file where the
    backup is damaged. Then there is no ``city``.
    """
    listed = _listed(source)
    with _making(city, "restore-failed") as part:
        places: dict[str, Path] = {}
        for name, entry in listed["files"].items():
            _take(source / name, part / name, entry, places)
        _check(part)
    return Backed(listed["releases"], len(listed["files"]), listed["bytes"], TOKENS in listed["files"])


class _Copy:
    """A copy that follows the city: what is new is copied, what has gone is removed."""

    def __init__(self, city: Path, part: Path, tokens: bool) -> None:
        self._city, self._part, self._tokens = city, part, tokens
        self._seen: dict[str, tuple[int, ...]] = {}
        self._digests: dict[str, str] = {}
        self._shared: dict[tuple[int, ...], str] = {}

    def follow(self) -> None:
        """Bring the copy up to the city's present state."""
        present: dict[str, tuple[int, ...]] = {}
        for path in self._files():
            name = path.relative_to(self._city).as_posix()
            try:
                status = path.stat()
                state = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
                if self._seen.get(name) != state:
                    self._copy(path, name, state)
            except FileNotFoundError:
                continue  # a release that was removed meanwhile; the next look under the lock is the last word
            present[name] = state
        for name in self._seen.keys() - present.keys():
            self._remove(name)
        self._seen = present

    def finish(self) -> Backed:
        """Write the list of what was copied, and make everything durable."""
        releases = Releases(self._part)
        current = releases.current_id()
        if current is None or releases.current() is None:
            raise StoreError("release-current-missing", id=current or "-")
        files = {
            name: {"bytes": state[2], "blake2b": self._digests[name]} for name, state in sorted(self._seen.items())
        }
        size = sum(state[2] for state in self._seen.values())
        said = {
            "format": FORMAT,
            "stadtgraph": version("stadtgraph"),
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "current": current,
            "releases": len(releases.ids()),
            "bytes": size,
            "files": files,
        }
        sync_tree([self._part])
        write_durably(self._part / LIST, json.dumps(said, indent=1).encode())
        return Backed(len(releases.ids()), len(files), size, TOKENS in files)

    def _files(self) -> Iterator[Path]:
        """Give the files of the city; links to elsewhere, temporary files and the left-out are passed over."""
        for folder, folders, files in os.walk(self._city):
            top = Path(folder) == self._city
            folders[:] = [f for f in sorted(folders) if not f.startswith(".") and not (top and f in _LEFT_OUT)]
            for name in sorted(files):
                left = name.startswith(".") or (top and (name in _LEFT_OUT or (name == TOKENS and not self._tokens)))
                path = Path(folder) / name
                if not left and path.is_file() and not path.is_symlink():
                    yield path

    def _copy(self, path: Path, name: str, state: tuple[int, ...]) -> None:
        self._remove(name)
        target = self._part / name
        target.parent.mkdir(parents=True, exist_ok=True)
        twin = self._shared.get(state)
        if twin is not None and (self._part / twin).is_file():
            os.link(self._part / twin, target)
            self._digests[name] = self._digests[twin]
            return
        self._digests[name] = _write(path, target)
        self._shared[state] = name

    def _remove(self, name: str) -> None:
        self._digests.pop(name, None)
        path = self._part / name
        path.unlink(missing_ok=True)
        with suppress(OSError):
            while path.parent != self._part:
                path = path.parent
                path.rmdir()


def _write(source: Path, target: Path) -> str:
    """Copy a file and its permissions; give its checksum."""
    digest = hashlib.blake2b(digest_size=32)
    with source.open("rb") as reading:
        mode = os.fstat(reading.fileno()).st_mode & 0o777
        with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as writing:
            while block := reading.read(_BLOCK):
                digest.update(block)
                writing.write(block)
    return digest.hexdigest()


@contextmanager
def _making(target: Path, failed: str) -> Iterator[Path]:
    """Give a folder that becomes ``target`` where all goes well, and vanishes where not."""
    target = Path(os.path.abspath(target))
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError("backup-exists", path=target.name)
    part = target.with_name(f".{target.name}.part")
    try:
        part.mkdir(parents=True, exist_ok=True)
        handle = os.open(part, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as problem:
        raise StoreError(failed, path=target.name, problem=problem.strerror or problem) from problem
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            raise BusyError("backup-busy", path=target.name) from problem
        try:
            _empty(part)
            yield part
            sync_tree([part])
            part.rename(target)
            sync_folder(target.parent)
        except OSError as problem:
            shutil.rmtree(part, ignore_errors=True)
            raise StoreError(failed, path=target.name, problem=problem.strerror or problem) from problem
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    finally:
        os.close(handle)


def _empty(folder: Path) -> None:
    """Clear what an interrupted attempt left."""
    for entry in list(folder.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


@contextmanager
def _locked(city: Path) -> Iterator[None]:
    """Hold the writer's lock, after the writer that has it now."""
    until = time.monotonic() + _PATIENCE
    while True:
        lock = writer_lock(city)
        try:
            lock.__enter__()
            break
        except BusyError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


def _listed(source: Path) -> dict[str, Any]:
    """Read the list of a backup, which is foreign data; what does not fit is :class:`InputError`."""
    try:
        found = json.loads((source / LIST).read_bytes())
        if found["format"] != FORMAT or not isinstance(found["files"], dict):
            raise ValueError(f"format {found['format']}")
        files = {str(n): (int(e["bytes"]), str(e["blake2b"])) for n, e in found["files"].items()}
        for name in files:
            path = PurePosixPath(name)
            if path.is_absolute() or not path.parts or ".." in path.parts or name != str(path) or "\x00" in name:
                raise ValueError(name[:80])
        return {"files": files, "releases": int(found["releases"]), "bytes": int(found["bytes"])}
    except FileNotFoundError as problem:
        raise InputError("restore-no-backup", path=source.name) from problem
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise InputError("restore-damaged", file=LIST, problem=problem) from problem


def _take(source: Path, target: Path, entry: tuple[int, str], places: dict[str, Path]) -> None:
    """Copy a file of a backup and hold it to the list; equal ones are hard-linked as they were."""
    size, wanted = entry
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        status = source.lstat()
        key = f"{status.st_dev} {status.st_ino} {wanted}"
        if key in places:
            os.link(places[key], target)
            return
        fits = not source.is_symlink() and status.st_size == size and _write(source, target) == wanted
    except FileNotFoundError as problem:
        raise InputError("restore-damaged", file=source.name, problem=problem.strerror or problem) from problem
    if not fits:
        raise InputError("restore-damaged", file=source.name, problem="checksum")
    places[key] = target


def _check(city: Path) -> None:
    """Open what was restored: the current release, every view of it."""
    releases = Releases(city)
    try:
        release = releases.require_current()
        for view in View:
            if release.has(view):
                release.engine(view).ask("ASK {}")
        release.close()
    except StadtgraphError as problem:
        raise InputError("restore-damaged", file="current", problem=problem) from problem
