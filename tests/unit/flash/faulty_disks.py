"""Disk images to write, and targets that fail the way devices do."""

from __future__ import annotations

import errno
import os
import random
import struct
from collections.abc import Callable
from pathlib import Path

from xenbuild.flash.target import Target

MIB = 1 << 20


def gpt(size: int, sector: int = 512) -> bytes:
    """Block 0 and GPT header of an image; no firmware would take it, but everybody knows it for what it is."""
    entry = struct.pack("<B3xB3xII", 0, 0xEE, 1, size // sector - 1)
    head = bytes(446) + entry + bytes(48) + b"\x55\xaa"
    return head.ljust(sector, b"\0") + b"EFI PART".ljust(sector, b"\0")


def make_image(path: Path, size: int, data: list[tuple[int, int]], seed: int = 1) -> bytes:
    """A sparse image with a GPT, its copy at the end, and noise at (offset, length) of `data`."""
    noise = random.Random(seed)
    with path.open("wb") as file:
        file.truncate(size)
        for at, length in data:
            file.seek(at)
            file.write(noise.randbytes(length))
        file.seek(0)
        file.write(gpt(size))
        if size >= 2 * MIB:
            file.seek(size - 512)
            file.write(b"EFI PART" + b"\xaa" * 504)
    return path.read_bytes()


def old_disk(path: Path, size: int) -> None:
    """What a device holds before: another GPT, and noise everywhere."""
    noise = random.Random(7)
    with path.open("wb") as file:
        file.write(gpt(size))
        while file.tell() < size - 512:
            file.write(noise.randbytes(min(MIB, size - 512 - file.tell())))
        file.write(b"EFI PART" + b"\xbb" * 504)


class Faulty(Target):
    """A target that fails by orders: `write`, `read` are called before the real thing with (offset, length)."""

    capacity = 0  # bytes that there really are: what lies behind lands at the beginning, as on fake sticks
    longest = 0  # bytes taken at a time
    on_write: Callable[[int, int], None] = staticmethod(lambda at, size: None)
    on_read: Callable[[int, int], None] = staticmethod(lambda at, size: None)

    @classmethod
    def of(cls, path: Path) -> Faulty:
        fd = os.open(path, os.O_RDWR)
        return cls(path, path.stat().st_size, fd, True)

    def _pwrite(self, at: int, data: memoryview) -> int:
        self.on_write(at, len(data))
        return super()._pwrite(*self._real(at, data))

    def _pread(self, at: int, data: memoryview) -> int:
        self.on_read(at, len(data))
        return super()._pread(*self._real(at, data))

    def _real(self, at: int, data: memoryview) -> tuple[int, memoryview]:
        if self.longest:
            data = data[: self.longest]
        if self.capacity:
            at %= self.capacity
            data = data[: self.capacity - at]
        return at, data


def fails_at(byte: int, code: int) -> Callable[[int, int], None]:
    """Raise this error when the byte is touched."""

    def order(at: int, size: int) -> None:
        if at <= byte < at + size:
            raise OSError(code, os.strerror(code))

    return order


EIO, ENOSPC, ENODEV = errno.EIO, errno.ENOSPC, errno.ENODEV
