"""What of the guests goes into dom0: disks without empty ends, nothing twice, and no more than it holds."""

from __future__ import annotations

import stat
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenbuild.errors import FormatError
from xenbuild.formats.cpio import CpioEntry, read
from xenbuild.parts import domains
from xenbuild.parts.entries import entry
from xenbuild.plan.action import Action, File
from xenbuild.plan.run import run
from xenbuild.store.store import Store

REGULAR = stat.S_IFREG | 0o644


def packed(tmp_path: Path, entries: list[Any], files: dict[str, bytes], memory: int) -> dict[str, CpioEntry]:
    return unpacked(segment(tmp_path, entries, files, memory))


def segment(tmp_path: Path, entries: list[Any], files: dict[str, bytes], memory: int) -> bytes:
    with Store(tmp_path / "store") as store:
        inputs = {name: File(store.put_bytes(data)) for name, data in files.items()}
        params = {"entries": entries, "disks": "/empty 512\n", "memory": memory}
        goal = Action("pack", "xenbuild.parts.domains:run", params, inputs, ("segment",)).output("segment")
        return store.path(run([goal], store, jobs=1)[goal].digest).read_bytes()


def unpacked(packed: bytes) -> dict[str, CpioEntry]:
    import zstandard

    data = b""
    while packed := packed.lstrip(b"\0"):
        frame = zstandard.ZstdDecompressor().decompressobj()
        data += frame.decompress(packed)
        packed = frame.unused_data
    return {one.name: one for one in read(data)}


def disk(path: str, name: str, own: bool = True) -> Any:
    return entry(path, REGULAR, input=name, own=own, cut=True)


def test_empty_ends_are_left_to_dom0(tmp_path: Path) -> None:
    entries = [disk("a", "one"), disk("b", "one"), disk("c", "zeros"), entry("k", REGULAR, input="kernel")]
    files = {"one": b"x\0y" + bytes(1021), "zeros": bytes(4096), "kernel": b"k\0"}
    made = packed(tmp_path, entries, files, 1 << 30)
    assert {name: one.data for name, one in made.items() if name in "abck"} == {
        "a": b"x\0y", "b": b"x\0y", "c": b"", "k": b"k\0",
    }  # fmt: skip
    assert made["etc/xenbuild/disks"].data == b"/empty 512\n/a 1024\n/b 1024\n/c 4096\n"


def test_disks_that_nobody_writes_are_there_once(tmp_path: Path) -> None:
    made = packed(
        tmp_path,
        [disk("a", "one", own=False), disk("b", "two", own=False)],
        dict.fromkeys(("one", "two"), b"x"),
        1 << 30,
    )
    assert stat.S_ISREG(made["a"].mode) and made["b"].data == b"/a"


def test_a_second_guest_of_the_same_kernel_costs_next_to_nothing(tmp_path: Path) -> None:
    common, kernel = Random(1).randbytes(1 << 20), Random(2).randbytes(5 << 20)
    files = {"one": common + b"one", "two": common + b"two", "kernel": kernel}
    entries = [entry("g/a/kernel", REGULAR, input="kernel"), entry("g/b/kernel", REGULAR, input="kernel")]
    entries += [entry(f"g/{g}/initramfs", REGULAR, input=name) for g, name in (("a", "one"), ("b", "two"))]
    packed = segment(tmp_path, entries, files, 1 << 30)
    assert len(packed) < (6 << 20) + 10000
    made = unpacked(packed)
    assert [made[f"g/{g}/initramfs"].data for g in "ab"] == [common + b"one", common + b"two"]
    assert made["g/a/kernel"].data == kernel and made["g/b/kernel"].data == b"/g/a/kernel"


def test_what_does_not_fit_into_dom0(tmp_path: Path) -> None:
    files = {"one": b"x" * (20 << 20) + bytes(90 << 20), "two": b"x" * (5 << 20)}
    entries = [disk("a", "one"), entry("b", REGULAR, input="two")]
    assert packed(tmp_path, entries, files, 146 << 20)
    with pytest.raises(FormatError) as caught:
        packed(tmp_path, entries, files, 145 << 20)
    assert str(caught.value) == "pack: kernels and disks of the guests take 25M of dom0's memory, which is 145M"
    assert caught.value.advice == "give dom0 146M, half of which is for files; or keep disks on the host's own (`path`)"


@given(st.binary(max_size=40), st.integers(0, 60), st.integers(1, 9))
def test_where_the_zeros_begin(data: bytes, zeros: int, chunk: int) -> None:
    import tempfile

    with pytest.MonkeyPatch.context() as patch, tempfile.NamedTemporaryFile() as file:
        patch.setattr(domains, "_CHUNK", chunk)
        file.write(data + bytes(zeros))
        file.flush()
        assert domains._written(Path(file.name)) == len(data.rstrip(b"\0"))
