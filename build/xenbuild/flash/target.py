"""An open disk (or file in its place), read and written directly: the page cache would hide what a device forgets."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import stat
import struct
from pathlib import Path
from types import TracebackType

from xenbuild.errors import HostError
from xenbuild.flash.find import Disk

BLKRRPART, BLKFLSBUF = 0x125F, 0x1261  # include/uapi/linux/fs.h
BLKGETSIZE64, BLKGETDISKSEQ = 0x80081272, 0x80081280
UNIT = 4096  # bytes: what offsets and sizes are multiples of, which suits every sector and page
_GONE = (errno.ENODEV, errno.ENXIO, errno.ENOMEDIUM, errno.ESHUTDOWN)


def buffer(size: int) -> mmap.mmap:
    """Memory that direct I/O can use: it begins with a page."""
    return mmap.mmap(-1, size)


class Target:
    """What is written to. Sizes and offsets are multiples of UNIT; a buffer may be longer than what is asked for.

    Raises HostError that says what is wrong with the device, and where.
    """

    def __init__(self, path: Path, size: int, fd: int, direct: bool) -> None:
        self.path = path
        self.size = size
        self._fd = fd
        self._direct = direct

    @classmethod
    def open_disk(cls, disk: Disk) -> Target:
        """Open a disk for us alone; Linux lets nobody mount it meanwhile (O_EXCL, open(2))."""
        fd = _open(disk.path, os.O_RDWR | os.O_DIRECT | os.O_EXCL | os.O_CLOEXEC)
        try:
            if not stat.S_ISBLK(os.fstat(fd).st_mode):
                raise HostError(f"{disk.path} is no block device", advice="name a disk, or a file with --file")
            size = struct.unpack("<Q", fcntl.ioctl(fd, BLKGETSIZE64, bytes(8)))[0]
            if size != disk.size or _sequence(fd, disk.sequence) != disk.sequence:
                raise HostError(f"{disk.path} is not the device that was listed", advice="run the command again")
        except BaseException:
            os.close(fd)
            raise
        return cls(disk.path, size, fd, True)

    @classmethod
    def open_file(cls, path: Path, size: int) -> Target:
        """A regular file in place of a disk; one that is shorter than `size` grows to it, others keep their size."""
        fd = _open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        try:
            direct = True
            try:
                fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_DIRECT)
            except OSError:
                direct = False  # file systems in memory, before Linux 6.6
            if os.fstat(fd).st_size < size:
                os.ftruncate(fd, size)
        except OSError as error:
            os.close(fd)
            raise _failed("making room in", path, size, error) from None
        return cls(path, os.fstat(fd).st_size, fd, direct)

    def write(self, at: int, data: memoryview) -> None:
        """All of the data; the kernel may take less at a time."""
        done = 0
        while done < len(data):
            try:
                count = self._pwrite(at + done, data[done:])
            except OSError as error:
                raise _failed("writing", self.path, at + done, error) from None
            if count <= 0:
                raise _failed("writing", self.path, at + done, OSError(errno.ENOSPC, ""))
            done += count if count == len(data) - done else count // UNIT * UNIT or self._stuck(at + done)

    def read(self, at: int, data: memoryview) -> None:
        """Fill the buffer from the device itself."""
        done = 0
        while done < len(data):
            try:
                count = self._pread(at + done, data[done:])
            except OSError as error:
                raise _failed("reading back", self.path, at + done, error) from None
            if count <= 0:
                raise HostError(f"{self.path} ends at byte {at + done}, before its size of {self.size}", advice=_OTHER)
            done += count if count == len(data) - done else count // UNIT * UNIT or self._stuck(at + done)

    def sync(self) -> None:
        """Return when everything is on the medium, as far as the device tells the truth."""
        try:
            os.fsync(self._fd)
            if not self._direct:
                os.posix_fadvise(self._fd, 0, 0, os.POSIX_FADV_DONTNEED)
        except OSError as error:
            raise _failed("flushing", self.path, -1, error) from None

    def reread(self) -> None:
        """Have the kernel look at the new partitions; no harm if it does not (they are seen when it is plugged in)."""
        try:
            fcntl.ioctl(self._fd, BLKFLSBUF)
            fcntl.ioctl(self._fd, BLKRRPART)
        except OSError:
            pass

    def close(self) -> None:
        os.close(self._fd)

    def __enter__(self) -> Target:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _pwrite(self, at: int, data: memoryview) -> int:
        return os.pwritev(self._fd, [data], at)

    def _pread(self, at: int, data: memoryview) -> int:
        return os.preadv(self._fd, [data], at)

    def _stuck(self, at: int) -> int:
        raise HostError(f"{self.path} takes no whole block at byte {at}", advice=_OTHER)


_OTHER = "try another port or card reader; if it fails there too, the device is broken"


def _open(path: Path, flags: int) -> int:
    try:
        return os.open(path, flags, 0o666)
    except OSError as error:
        raise _not_opened(path, error) from None


def _not_opened(path: Path, error: OSError) -> HostError:
    """What is missing to open a device for writing."""
    if error.errno in (errno.EACCES, errno.EPERM):
        return HostError(f"no permission to write {path}{_owner(path)}", advice=_rights(path))
    if error.errno == errno.EBUSY:
        advice = "find out by what: lsblk, lsof; then stop it"
        return HostError(f"{path} is in use by the kernel or another program", advice=advice)
    if error.errno == errno.EROFS:
        return HostError(f"{path} is read-only", advice="move the card's write-protect switch, or take another device")
    if error.errno == errno.ENOENT or error.errno in _GONE:
        return HostError(f"{path} is gone", advice="plug it in again, and run the command again")
    return HostError(f"{path} cannot be opened: {(error.strerror or str(error)).lower()}", advice=_OTHER)


def _owner(path: Path) -> str:
    try:
        status = path.stat()
        return f": it belongs to {path.owner()}:{path.group()}, mode {stat.S_IMODE(status.st_mode):04o}"
    except (OSError, KeyError):
        return ""


def _rights(path: Path) -> str:
    try:
        group = path.group() if path.stat().st_mode & stat.S_IWGRP else ""
    except (OSError, KeyError):
        group = ""
    once = f"for now: sudo setfacl -m u:$USER:rw {path}"
    return f"{once}; for good: sudo usermod -aG {group} $USER, then log in again" if group else once


def _sequence(fd: int, known: str) -> str:
    """The device's diskseq by the open file, so that a node made anew in between is noticed."""
    try:
        return str(struct.unpack("<Q", fcntl.ioctl(fd, BLKGETDISKSEQ, bytes(8)))[0])
    except OSError:
        return known


def _failed(doing: str, path: Path, at: int, error: OSError) -> HostError:
    """What an error while working means."""
    where = f" at byte {at}" if at >= 0 else ""
    if error.errno == errno.ENOSPC:
        return HostError(
            f"{path} is full{where}: it is smaller than it says",
            advice="take another device; for a file, free some space",
        )
    if error.errno in _GONE or not path.exists():
        return HostError(
            f"{path} vanished while {doing} it{where}", advice="plug it in again and run the command again"
        )
    reason = (error.strerror or os.strerror(error.errno or 0)).lower()
    return HostError(f"{doing} {path} failed{where}: {reason}", advice=_OTHER)
