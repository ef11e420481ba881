"""Small file operations that the store is made of, with errors of the operating system put into words."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xenbuild.errors import HostError
from xenbuild.formats.extents import Extents
from xenbuild.store.digest import Digest

CHUNK = 1 << 20  # bytes; large enough that hashlib releases the GIL for long, small enough for the cache
BATCH = 2 << 20  # bytes that the disk is given at a time: each costs a word to every processor (lru_add_drain_all)
_ZEROS = memoryview(bytes(CHUNK))


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
    """The digest of a file's content, read in chunks; holes are not read."""
    with path.open("rb", buffering=0) as file:
        status = os.fstat(file.fileno())
        sha = hashlib.sha256()
        if status.st_blocks * 512 < status.st_size - CHUNK:
            end = 0
            for start, behind in data_of(file.fileno(), status.st_size):
                _hash_zeros(sha, start - end)
                _hash_range(sha, file.fileno(), start, behind)
                end = behind
            _hash_zeros(sha, status.st_size - end)
            return Digest(sha.hexdigest(), status.st_size)
        size = _hash_range(sha, file.fileno(), 0, None)
        return Digest(sha.hexdigest(), size)


def _hash_range(sha: hashlib._Hash, fd: int, start: int, end: int | None) -> int:
    """Hash what a file has from `start` to `end`, or to its own end; returns the byte behind."""
    buffer = memoryview(bytearray(CHUNK))
    while end is None or start < end:
        count = os.preadv(fd, [buffer if end is None else buffer[: min(CHUNK, end - start)]], start)
        if not count:
            break
        sha.update(buffer[:count])
        start += count
    return start


def _hash_zeros(sha: hashlib._Hash, size: int) -> None:
    while size > 0:
        sha.update(_ZEROS[:size])
        size -= CHUNK


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
        for start, end in data_of(reader.fileno(), size):
            _copy_range(reader.fileno(), writer.fileno(), start, end, start)
        writer.truncate(size)


def data_of(fd: int, size: int) -> Iterator[tuple[int, int]]:
    """(first byte, byte behind the last) of everything in a file that is no hole (lseek(2), SEEK_DATA)."""
    at = 0
    while at < size:
        try:
            start = os.lseek(fd, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return  # only a hole is left
            yield at, size  # a file system that does not tell
            return
        at = min(os.lseek(fd, start, os.SEEK_HOLE), size)
        yield start, at


def write_hashed(extents: Extents, size: int, target: Path) -> Digest:
    """Write the new file `target` of `size` bytes and hash it, both at a time: neither waits for the other.

    It is on the disk afterwards. A file with holes has its size at once: without that, a power cut could leave one of
    the right size with zeros in it, which would count as whole.
    Raises ValueError for extents that overlap or lie behind the end, OSError for files that cannot be read.
    """
    digests: list[Digest | BaseException] = []

    def digest() -> None:
        try:
            digests.append(_hash_extents(extents, size))
        except BaseException as error:
            digests.append(error)

    if extents.end > size:
        raise ValueError(f"{extents.end} bytes in a file of {size}")
    thread = threading.Thread(target=digest, name="hash")
    thread.start()
    try:
        with target.open("xb", buffering=0) as writer:
            _write_extents(extents, writer.fileno())
            writer.truncate(size)
            os.fdatasync(writer.fileno())
    finally:
        thread.join()
    if isinstance(digests[0], BaseException):
        raise digests[0]
    return digests[0]


def _write_extents(extents: Extents, fd: int) -> None:
    """Write them in their order. The disk is busy from the first batch on, so that fdatasync has little to wait for."""
    begun = 0

    def begin(end: int) -> None:
        """What is said to be needed no more, Linux starts to write at once; it stays in memory until that is done."""
        nonlocal begun
        if end - begun >= BATCH:
            os.posix_fadvise(fd, begun, end - begun, os.POSIX_FADV_DONTNEED)
            begun = end

    for start, end, content in extents:
        if isinstance(content, bytes):
            os.lseek(fd, start, os.SEEK_SET)
            write_all(fd, content)
            begin(end)
            continue
        with content.open("rb", buffering=0) as reader:
            for at in range(start, end, BATCH):
                behind = min(at + BATCH, end)
                _copy_range(reader.fileno(), fd, at - start, behind - start, at)
                begin(behind)


def _hash_extents(extents: Extents, size: int) -> Digest:
    sha, behind = hashlib.sha256(), 0
    for start, end, content in extents:
        _hash_zeros(sha, start - behind)
        if isinstance(content, bytes):
            sha.update(content)
        else:
            with content.open("rb", buffering=0) as file:
                if _hash_range(sha, file.fileno(), 0, end - start) != end - start:
                    raise OSError(errno.EIO, "it is shorter than it was", str(content))
        behind = end
    _hash_zeros(sha, size - behind)
    return Digest(sha.hexdigest(), size)


def _copy_range(reader: int, writer: int, start: int, end: int, to: int) -> None:
    """Copy bytes `start` to `end` of one file to byte `to` of another."""
    done = start
    try:
        while done < end and (count := os.copy_file_range(reader, writer, end - done, done, to + done - start)):
            done += count
    except OSError as error:
        if done > start or error.errno not in (errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP):
            raise
    os.lseek(writer, to + done - start, os.SEEK_SET)
    while done < end and (piece := os.pread(reader, min(CHUNK, end - done), done)):
        write_all(writer, piece)
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
