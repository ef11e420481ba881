"""Small file operations that the store is made of, with errors of the operating system put into words."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from xenbuild.errors import HostError
from xenbuild.store.digest import Digest

CHUNK = 1 << 20  # bytes; large enough that hashlib releases the GIL for long, small enough for the cache


@contextmanager
def in_words(path: Path, needed: int | None = None) -> Iterator[None]:
    """Turn an OSError about `path` (to which `needed` bytes were to be written, if known) into a HostError."""
    try:
        yield
    except OSError as error:
        raise host_error(error, path, needed) from error


def host_error(error: OSError, path: Path, needed: int | None = None) -> HostError:
    """What an OSError means for the user. `path` is where the work was; the error's own file name is preferred."""
    name = error.filename2 or error.filename  # of a renaming, where it leads: its source is a name of ours
    where = Path(os.fsdecode(name)) if isinstance(name, str | bytes) else path
    size = f" ({needed} bytes needed)" if needed is not None else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return HostError(
            f"no space left to write {where}{size}",
            advice="free some space, shrink the cache with `xenbuild gc`, or set XENBUILD_CACHE to a larger disk",
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return HostError(
            f"no permission to use {where}{size}",
            advice="change its owner or mode, or set XENBUILD_CACHE to a folder of your own",
        )
    in_the_way = error.errno in (errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY)
    return HostError(
        f"cannot use {where}: {os.strerror(error.errno) if error.errno else error}",
        advice="move away what is in its place" if in_the_way else "",
    )


def hash_file(path: Path) -> Digest:
    """The digest of a file's content, read in chunks."""
    with path.open("rb", buffering=0) as file:
        return _hash_fd(file.fileno())


def _hash_fd(fd: int) -> Digest:
    sha, size, buffer = hashlib.sha256(), 0, memoryview(bytearray(CHUNK))
    while count := os.readv(fd, [buffer]):
        sha.update(buffer[:count])
        size += count
    return Digest(sha.hexdigest(), size)


def copy_hashed(source: Path, target: Path) -> Digest:
    """Copy a file's content to the new file `target`, hashing what was really written."""
    sha, size, buffer = hashlib.sha256(), 0, memoryview(bytearray(CHUNK))
    with source.open("rb", buffering=0) as reader, target.open("xb", buffering=0) as writer:
        while count := reader.readinto(buffer):
            sha.update(buffer[:count])
            write_all(writer.fileno(), buffer[:count])
            size += count
    return Digest(sha.hexdigest(), size)


def write_all(fd: int, data: bytes | memoryview) -> None:
    """os.write until everything is written: the kernel may take less at a time (at most 2 GiB)."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def copy(source: Path, target: Path) -> None:
    """Copy a file's content to the new file `target`, inside the kernel if it can (it shares blocks on btrfs, XFS).

    Holes stay holes.
    """
    with source.open("rb", buffering=0) as reader, target.open("xb", buffering=0) as writer:
        size = os.fstat(reader.fileno()).st_size
        end = 0
        while (start := _seek(reader.fileno(), end, os.SEEK_DATA, size)) < size:
            end = _seek(reader.fileno(), start, os.SEEK_HOLE, size)
            _copy_range(reader, writer, start, end)
        writer.truncate(size)


def _seek(fd: int, start: int, whence: int, size: int) -> int:
    """Where data or a hole begins from `start` on; without an answer all is data."""
    try:
        return os.lseek(fd, start, whence)
    except OSError as error:
        if error.errno == errno.ENXIO:  # nothing but a hole, or the end
            return size
        return start if whence == os.SEEK_DATA else size


def _copy_range(reader: FileIO, writer: FileIO, start: int, end: int) -> None:
    done = start
    try:
        while done < end and (count := os.copy_file_range(reader.fileno(), writer.fileno(), end - done, done, done)):
            done += count
    except OSError as error:
        if done > start or error.errno not in (errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP):
            raise
    reader.seek(done)
    writer.seek(done)
    while done < end and (piece := reader.read(min(CHUNK, end - done))):
        write_all(writer.fileno(), piece)
        done += len(piece)


def remove(path: Path) -> None:
    """Remove a file or a whole folder, whatever the modes inside; nothing if it is not there."""
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
        return
    import shutil  # imports every compressor there is

    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        remove(path)  # another thread removes parts of it at the same time: what it left is ours
    except PermissionError:
        for folder, _, _ in os.walk(path):
            Path(folder).chmod(0o700)
        shutil.rmtree(path)
