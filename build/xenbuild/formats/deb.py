"""Reads Debian binary packages (deb(5)): control fields, and the files of data.tar through a temporary spool file."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any, BinaryIO, Literal

from xenbuild.errors import FormatError
from xenbuild.formats.ar import ArMember, read_ar
from xenbuild.formats.deb822 import paragraphs
from xenbuild.formats.xz import XzError, decode_xz

Kind = Literal["file", "dir", "symlink", "other"]
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class DebMember:
    """A file of the package. A hard link appears as a file with the bytes of its target."""

    name: str  # relative, without "./": "usr/bin/xl"
    kind: Kind
    mode: int  # permission bits
    size: int  # bytes of a file, else 0
    target: str  # of a symbolic link, else ""
    offset: int  # of the bytes in the spool; files of one size > 0 and offset are one file with several names
    uid: int = 0
    gid: int = 0


class Deb:
    """An open package; close it (or use `with`) to give the spool's space back. Reading is safe from many threads."""

    def __init__(self, path: Path, control: dict[str, str], members: tuple[DebMember, ...], spool: IO[bytes]) -> None:
        self.path = path
        self.control = control
        self._members = members
        self._spool = spool

    def members(self) -> Iterator[DebMember]:
        """Every member in the order of the package."""
        return iter(self._members)

    def chunks(self, member: DebMember) -> Iterator[bytes]:
        """The bytes of one file, a mebibyte at a time."""
        done = 0
        while done < member.size:
            chunk = os.pread(self._spool.fileno(), min(_CHUNK, member.size - done), member.offset + done)
            if not chunk:
                raise FormatError(f"{self.path}: data.tar is cut short in '{member.name}'")
            done += len(chunk)
            yield chunk

    def read(self, member: DebMember) -> bytes:
        """All bytes of one file."""
        return b"".join(self.chunks(member))

    def close(self) -> None:
        self._spool.close()

    def __enter__(self) -> Deb:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def read_deb(path: Path, *, scratch: Path | None = None, jobs: int = 2) -> Deb:
    """Opens a package and spools its data.tar into an unnamed file in `scratch` (the system's by default).

    Raises FormatError with the path and what is damaged.
    """
    with path.open("rb") as file:
        parts = read_ar(file, path)
        control_part, data_part = _parts(file, path, parts)
        with tempfile.TemporaryFile(dir=scratch) as spool:
            _unpack(file, path, control_part, spool, jobs)
            control = _control(path, spool)
        data = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 - the Deb owns it
        try:
            _unpack(file, path, data_part, data, jobs)
            return Deb(path, control, tuple(_list(path, "data.tar", data)), data)
        except BaseException:
            data.close()
            raise


def _parts(file: BinaryIO, path: Path, parts: list[ArMember]) -> tuple[ArMember, ArMember]:
    """The control and data archives. deb(5): members whose name starts with '_' are to be ignored."""
    named = [part for part in parts if not part.name.startswith("_")]
    if not named or named[0].name != "debian-binary":
        raise FormatError(f"{path}: not a Debian package (the first member is not 'debian-binary')")
    version = os.pread(file.fileno(), min(named[0].size, 16), named[0].offset)
    if not version.startswith(b"2."):
        raise FormatError(f"{path}: Debian package of an unknown format {version.strip().decode('latin-1')!r}")
    found = []
    for index, stem in ((1, "control.tar"), (2, "data.tar")):
        if len(named) <= index or not named[index].name.startswith(stem):
            raise FormatError(f"{path}: Debian package without '{stem}'")
        found.append(named[index])
    return found[0], found[1]


def _unpack(file: BinaryIO, path: Path, part: ArMember, spool: IO[bytes], jobs: int) -> None:
    """Decompresses a member of the package into the spool."""
    suffix = part.name.partition(".tar")[2]
    try:
        if suffix == ".xz":
            decode_xz(file.fileno(), part.offset, part.size, spool.fileno(), jobs=jobs)
        elif suffix == ".gz":
            with gzip.open(io.BufferedReader(_Window(file, part)), "rb") as packed:
                shutil.copyfileobj(packed, spool, _CHUNK)
        elif suffix == ".zst":
            _unzstd(_Window(file, part), spool)
        elif suffix == "":
            shutil.copyfileobj(_Window(file, part), spool, _CHUNK)
        else:
            raise FormatError(f"{path}: '{part.name}' is compressed in an unknown way")
    except (XzError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FormatError(f"{path}: '{part.name}' is damaged: {error}") from None
    spool.flush()


def _unzstd(source: _Window, spool: IO[bytes]) -> None:
    import zstandard

    decoder = zstandard.ZstdDecompressor().decompressobj()
    try:
        while chunk := source.read(_CHUNK):
            spool.write(decoder.decompress(chunk))
    except zstandard.ZstdError as error:
        raise EOFError(str(error)) from None
    if not decoder.eof:
        raise EOFError("the zstd frame is cut short")


class _Window(io.RawIOBase):
    """Reads one member of the package as if it were a file."""

    def __init__(self, file: BinaryIO, part: ArMember) -> None:
        self._fd, self._at, self._end = file.fileno(), part.offset, part.offset + part.size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = os.pread(self._fd, min(len(buffer), self._end - self._at), self._at)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def _control(path: Path, spool: IO[bytes]) -> dict[str, str]:
    for member in _list(path, "control.tar", spool):
        if member.name == "control":
            text = os.pread(spool.fileno(), member.size, member.offset)
            try:
                return next(paragraphs(text.decode()))
            except (UnicodeDecodeError, ValueError) as error:
                raise FormatError(f"{path}: control file is damaged: {error}") from None
            except StopIteration:
                raise FormatError(f"{path}: control file is empty") from None
    raise FormatError(f"{path}: control.tar holds no control file")


def _list(path: Path, what: str, spool: IO[bytes]) -> Iterator[DebMember]:
    """The members of an uncompressed tar. Refuses names that leave the tree, and an archive without its end mark."""
    bytes_at: dict[str, tuple[int, int]] = {}
    spool.seek(0)
    try:
        with tarfile.open(fileobj=spool, mode="r:", encoding="utf-8") as tar:
            for info in tar:
                name = _clean(path, what, info.name)
                if not name:
                    continue
                member = _member(info, name)
                if info.islnk():
                    linked = bytes_at.get(_clean(path, what, info.linkname))
                    if linked is None:
                        raise FormatError(f"{path}: {what}: hard link '{name}' to the missing '{info.linkname}'")
                    member = replace(member, kind="file", size=linked[1], target="", offset=linked[0])
                bytes_at[name] = (member.offset, member.size)
                yield member
            # tarfile ends quietly at a damaged header; a sound archive ends with blocks of zeros (POSIX ustar).
            end = os.pread(spool.fileno(), tarfile.BLOCKSIZE, tar.offset)
    except tarfile.TarError as error:
        raise FormatError(f"{path}: {what} is damaged: {error}") from None
    if end != bytes(tarfile.BLOCKSIZE):
        raise FormatError(f"{path}: {what} is damaged at byte {tar.offset}")


def _member(info: tarfile.TarInfo, name: str) -> DebMember:
    kind: Kind = "file" if info.isreg() else "dir" if info.isdir() else "symlink" if info.issym() else "other"
    target = info.linkname if kind == "symlink" else ""
    size = info.size if kind == "file" else 0
    return DebMember(name, kind, info.mode & 0o7777, size, target, info.offset_data, info.uid, info.gid)


def _clean(path: Path, what: str, name: str) -> str:
    clean = name.removeprefix("./").strip("/") if name not in (".", "./") else ""
    if name.startswith("/") or ".." in clean.split("/"):
        raise FormatError(f"{path}: {what}: name '{name}' leads out of the package")
    return clean
