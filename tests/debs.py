"""Debian packages made by tests, member by member."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile

CONTROL = b"Package: demo\nVersion: 1.0-1\nArchitecture: all\nDescription: one\n two\n"


def tar(files: dict[str, bytes], links: dict[str, str] | None = None, hard: dict[str, str] | None = None) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o755
            archive.addfile(info, io.BytesIO(data))
        for kind, names in ((tarfile.SYMTYPE, links or {}), (tarfile.LNKTYPE, hard or {})):
            for name, target in names.items():
                info = tarfile.TarInfo(name)
                info.type, info.linkname = kind, target
                archive.addfile(info)
    return out.getvalue()


def ar(members: dict[str, bytes]) -> bytes:
    out = b"!<arch>\n"
    for name, data in members.items():
        out += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) & 1)
    return out


def deb(data: bytes | None = None, suffix: str = ".xz", control: bytes = CONTROL) -> bytes:
    if data is None:
        data = tar({"./usr/bin/a": b"hello", "./b": b""}, {"./l": "usr/bin/a"}, {"./h": "./usr/bin/a"})
    packed = {"": data, ".gz": gzip.compress(data), ".xz": lzma.compress(data)}
    if suffix == ".zst":
        import zstandard

        packed[suffix] = zstandard.ZstdCompressor().compress(data)
    return ar(
        {
            "debian-binary": b"2.0\n",
            "control.tar.xz": lzma.compress(tar({"./control": control})),
            f"data.tar{suffix}": packed[suffix],
        }
    )
