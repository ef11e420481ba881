"""Prints what the initramfs of dom0 and of its guests weigh, and the files in them: sizes.py FOLDER-OF-CODE BUNDLE

Runs in xenbuild's own Python environment: {name: {"packed": bytes, "inside": bytes, "files": count}}
"""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, sys.argv[1])

import zstandard

from xenbuild.compose.inspect import inspect
from xenbuild.formats.cpio import CpioEntry, read

GUEST = "var/lib/xenbuild/guests/"


def entries(packed: bytes) -> Iterator[CpioEntry]:
    """Of all archives that lie behind each other, packed by zstd in frames that are padded to 4 bytes."""
    plain = bytearray()
    at = 0
    while at < len(packed):
        unpacker = zstandard.ZstdDecompressor().decompressobj()
        plain += unpacker.decompress(packed[at:])
        at = len(packed) - len(unpacker.unused_data)
        at += -at % 4
    yield from read(bytes(plain), "initramfs")


def facts(packed: bytes, found: list[CpioEntry]) -> dict[str, int]:
    last = {entry.name: entry for entry in found}  # what is there in the end
    files = [entry for entry in last.values() if stat.S_ISREG(entry.mode)]
    return {"packed": len(packed), "inside": sum(len(entry.data) for entry in files), "files": len(files)}


bundle = Path(sys.argv[2])
data = bundle.read_bytes()
part = next(part for part in inspect(bundle).facts["parts"] if part["name"] == "initramfs")
initramfs = data[part["offset"] :][: part["size"]]
own = list(entries(initramfs))
made = {"dom0": facts(initramfs, own)}
for entry in own:
    if entry.name.startswith(GUEST) and entry.name.endswith("/initramfs") and stat.S_ISREG(entry.mode):
        name = entry.name.removeprefix(GUEST).partition("/")[0]
        made[f"guest {name}"] = facts(entry.data, list(entries(entry.data)))
print(json.dumps(made))
