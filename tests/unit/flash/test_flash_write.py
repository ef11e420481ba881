"""Writing: what ends up on the device, whatever was there and whatever goes wrong meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from faulty_disks import EIO, ENODEV, ENOSPC, MIB, Faulty, fails_at, make_image, old_disk
from hypothesis import given, settings
from hypothesis import strategies as st

from xenbuild.errors import HostError, IntegrityError
from xenbuild.flash import blockmap
from xenbuild.flash.mark import MARK, mark, parse_mark
from xenbuild.flash.target import Target
from xenbuild.flash.write import Pace, flash
from xenbuild.formats import signature
from xenbuild.formats.bmap import write_bmap
from xenbuild.media.blockmap import hashed

SIZE, ROOM = 24 * MIB, 32 * MIB
DATA = [(MIB, 5 * MIB), (9 * MIB, 4 * MIB + 100), (20 * MIB, 3 * MIB + 4096)]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    make_image(tmp_path / "lab.raw", SIZE, DATA)
    return tmp_path / "lab.raw"


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    old_disk(tmp_path / "disk", ROOM)
    return tmp_path / "disk"


def is_disk(path: Path) -> bool:
    """Whether firmware or a kernel would find a partition table, at either end."""
    with path.open("rb") as file:
        size = path.stat().st_size
        return bool(signature.partition_table(lambda at, n: os.pread(file.fileno(), n, at), size))


def test_the_image_is_there_and_nothing_of_the_old_table(image: Path, disk: Path) -> None:
    with Faulty.of(disk) as target:
        done = flash(image, "k", blockmap.plan(image), target)
    now = disk.read_bytes()
    assert now[:SIZE] == image.read_bytes(), "holes read as zeros, too"
    assert now[ROOM - MIB :] == bytes(MIB), "the old table's copy is gone"
    assert now[SIZE : ROOM - MIB] != bytes(ROOM - MIB - SIZE), "the rest was left alone"
    assert (done.size, done.resumed) == (SIZE, 0)
    assert done.compared >= done.written >= sum(length for _, length in DATA)


def test_with_a_map_only_its_blocks_are_touched(image: Path, disk: Path) -> None:
    before = disk.read_bytes()
    found = blockmap.plan(image)
    image.with_name("lab.raw.bmap").write_bytes(write_bmap(hashed(image, found.map)))
    plan = blockmap.plan(image)
    assert not plan.clear
    with Faulty.of(disk) as target:
        done = flash(image, "k", plan, target)
    now, wanted = disk.read_bytes(), image.read_bytes()
    assert done.cleared == 0
    for start, end in map(plan.map.extent, plan.map.ranges):
        assert now[start:end] == wanted[start:end]
    assert now[7 * MIB : 8 * MIB] == before[7 * MIB : 8 * MIB]


def test_an_image_that_is_not_what_its_map_says(image: Path, disk: Path) -> None:
    found = hashed(image, blockmap.plan(image).map)
    with image.open("r+b") as file:
        file.seek(10 * MIB)
        file.write(b"!")
    with Faulty.of(disk) as target, pytest.raises(IntegrityError, match="does not match its block map in blocks 2304-"):
        flash(image, "k", blockmap.Plan(found, clear=False), target)
    assert not is_disk(disk)


@pytest.mark.parametrize("size", [513, 4096, 4097, MIB, MIB + 1, 2 * MIB - 1, 2 * MIB + 4096, 5 * MIB + 512])
@pytest.mark.parametrize("more", [0, 512, 4096, MIB, 3 * MIB])
def test_every_size(size: int, more: int, tmp_path: Path) -> None:
    image, disk = tmp_path / "image", tmp_path / "disk"
    wanted = make_image(image, size, [(0, size)])[:size]
    image.write_bytes(wanted)
    room = -(-(size + more) // 512) * 512  # devices have whole sectors
    old_disk(disk, max(room, 4096))
    with Faulty.of(disk) as target:
        flash(image, "k", blockmap.plan(image), target)
    now = disk.read_bytes()
    assert now[:size] == wanted
    assert not any(now[max(size, len(now) - MIB) :])


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 10 * MIB), st.integers(1, 2 * MIB)), max_size=5),
    st.integers(3 * MIB, 12 * MIB),
    st.integers(0, 3 * MIB),
)
def test_any_image(tmp_path_factory: pytest.TempPathFactory, data: list[tuple[int, int]], size: int, more: int) -> None:
    folder = tmp_path_factory.mktemp("any")
    inside = [(at, min(length, size - at)) for at, length in data if at < size]
    wanted = make_image(folder / "image", size, inside)[:size]
    old_disk(folder / "disk", -(-(size + more) // 512) * 512)
    with Faulty.of(folder / "disk") as target:
        flash(folder / "image", "k", blockmap.plan(folder / "image"), target)
    assert (folder / "disk").read_bytes()[:size] == wanted


def test_short_writes_and_reads(image: Path, disk: Path) -> None:
    with Faulty.of(disk) as target:
        target.longest = 3 * 4096
        flash(image, "k", blockmap.plan(image), target)
    assert disk.read_bytes()[:SIZE] == image.read_bytes()


@pytest.mark.parametrize(
    ("code", "message", "advice"),
    [
        (EIO, "writing {} failed at byte 9437184: input/output error", "try another port or card reader; if it"),
        (ENOSPC, "{} is full at byte 9437184: it is smaller than it says", "take another device"),
        (ENODEV, "{} vanished while writing it at byte 9437184", "plug it in again"),
    ],
)
def test_errors_in_the_middle(code: int, message: str, advice: str, image: Path, disk: Path) -> None:
    with Faulty.of(disk) as target, pytest.raises(HostError) as caught:
        target.on_write = fails_at(10 * MIB, code)  # type: ignore[method-assign]
        flash(image, "k", blockmap.plan(image), target)
    assert caught.value.message == message.format(disk)
    assert caught.value.advice.startswith(advice)
    assert not is_disk(disk)
    with Faulty.of(disk) as target:  # plugged in again
        flash(image, "k", blockmap.plan(image), target)
    assert disk.read_bytes()[:SIZE] == image.read_bytes()


def test_an_error_while_reading_back(image: Path, disk: Path) -> None:
    with Faulty.of(disk) as target, pytest.raises(HostError, match=f"reading back {disk} failed at byte"):
        target.on_read = fails_at(21 * MIB, EIO)  # type: ignore[method-assign]
        flash(image, "k", blockmap.Plan(blockmap.plan(image).map, clear=False), target)
    assert not is_disk(disk)


@pytest.mark.parametrize("capacity", [3 * MIB, 8 * MIB, 16 * MIB, 22 * MIB])
def test_a_device_smaller_than_it_claims(capacity: int, image: Path, disk: Path) -> None:
    """What is written behind its end lands at its beginning."""
    with Faulty.of(disk) as target, pytest.raises(IntegrityError) as caught:
        target.capacity = capacity
        flash(image, "k", blockmap.plan(image), target)
    assert caught.value.message.startswith(f"{disk} does not keep what is written: it reads back different at byte ")
    assert caught.value.advice == "it is broken, or smaller than it claims to be: do not use it for anything"


def test_a_device_that_keeps_the_copy_of_its_old_table(image: Path, disk: Path) -> None:
    """Its end is behind the image; what is written there is lost."""
    end = disk.read_bytes()[ROOM - MIB :]

    def lose(at: int, size: int) -> None:
        with disk.open("r+b") as file:
            file.seek(ROOM - MIB)
            file.write(end)

    with Faulty.of(disk) as target, pytest.raises(IntegrityError, match=f"different at byte {ROOM - MIB}"):
        target.on_read = lose  # type: ignore[method-assign]
        flash(image, "k", blockmap.plan(image), target)
    assert disk.read_bytes().startswith(MARK), "it does not start"


def test_a_device_that_forgets_one_bit(image: Path, disk: Path) -> None:
    def forget(at: int, size: int) -> None:
        with disk.open("r+b") as file:
            file.seek(21 * MIB)
            byte = file.read(1)[0]
            file.seek(21 * MIB)
            file.write(bytes([byte ^ 1]))

    with Faulty.of(disk) as target, pytest.raises(IntegrityError):
        target.on_read = lambda at, size: forget(at, size) if at <= 21 * MIB < at + size else None  # type: ignore
        flash(image, "k", blockmap.Plan(blockmap.plan(image).map, clear=False), target)
    assert not is_disk(disk)


# What a run that is killed leaves, at every moment

KILLED = """\
import os, signal, sys
from pathlib import Path
sys.path[:0] = [{here!r}]
from faulty_disks import Faulty
from xenbuild.flash import blockmap
from xenbuild.flash.write import Pace, flash
image, disk, byte = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
target = Faulty.of(disk)
def order(at, size):
    if at <= byte < at + size:
        os.kill(os.getpid(), signal.SIGKILL)
target.on_write = order
flash(image, "k", blockmap.plan(image), target, pace=Pace(1 << 20, 0.0))
"""


def killed(image: Path, disk: Path, byte: int) -> None:
    top = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(top / "build")}
    argv = [sys.executable, "-c", KILLED.format(here=str(Path(__file__).parent)), str(image), str(disk), str(byte)]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize(
    ("byte", "resumed"),
    [
        (0, 0),  # nothing has happened yet
        (MIB - 1, 0),  # while the old disk is wiped
        (ROOM - 1, 0),
        (2 * MIB, MIB),
        (10 * MIB, 6 * MIB),  # the last data before it ended there
        (20 * MIB + 7, 13 * MIB),
        (SIZE - 1, 0),  # is wiped, too
    ],
)
def test_a_power_cut_leaves_no_disk_and_the_next_run_goes_on(byte: int, resumed: int, image: Path, disk: Path) -> None:
    before = disk.read_bytes()[:4096]
    killed(image, disk, byte)
    assert disk.read_bytes()[:4096] == before if not byte else disk.read_bytes().startswith(MARK)
    assert is_disk(disk) == (byte in (0, MIB - 1, ROOM - 1)), "the old table's copy goes after the table itself"
    with Faulty.of(disk) as target:
        done = flash(image, "k", blockmap.plan(image), target)
    assert disk.read_bytes()[:SIZE] == image.read_bytes()
    assert done.resumed == resumed
    assert not any(disk.read_bytes()[ROOM - MIB :])


def test_a_power_cut_while_the_ends_are_written(image: Path, disk: Path) -> None:
    seen: list[int] = []
    with Faulty.of(disk) as target, pytest.raises(ZeroDivisionError):
        target.on_write = lambda at, size: seen.append(at) or (at == SIZE - MIB and seen.count(at) > 1 and 1 / 0)  # type: ignore
        flash(image, "k", blockmap.plan(image), target)
    with Faulty.of(disk) as target:
        done = flash(image, "k", blockmap.plan(image), target)
    assert (done.resumed, disk.read_bytes()[:SIZE]) == (SIZE - MIB, image.read_bytes())


def test_another_image_begins_anew(image: Path, disk: Path) -> None:
    killed(image, disk, 20 * MIB)
    with Faulty.of(disk) as target:
        done = flash(image, "another", blockmap.plan(image), target)
    assert done.resumed == 0
    assert disk.read_bytes()[:SIZE] == image.read_bytes()


def test_what_was_lost_in_a_power_cut_is_written_again(image: Path, disk: Path) -> None:
    """The device said that it had kept it."""
    killed(image, disk, 20 * MIB)
    with disk.open("r+b") as file:
        file.seek(2 * MIB)
        file.write(bytes(4096))
    with Faulty.of(disk) as target:
        done = flash(image, "k", blockmap.plan(image), target)
    assert done.resumed == 0
    assert disk.read_bytes()[:SIZE] == image.read_bytes()


def test_block_zero_comes_last(image: Path, disk: Path) -> None:
    seen: list[tuple[int, bool]] = []
    with Faulty.of(disk) as target:
        target.on_write = lambda at, size: seen.append((at, is_disk(disk)))  # type: ignore[method-assign]
        flash(image, "k", blockmap.plan(image), target)
    assert [at for at, _ in seen].count(0) >= 3, "marks, and the real block"
    assert seen[-1][0] == 0
    assert not any(known for at, known in seen[3:]), "no table anywhere while it is written"
    assert is_disk(disk)


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 1 << 60))
def test_marks_come_back(key: str, done: int) -> None:
    if len(mark(key, done)) == 4096:
        assert parse_mark(mark(key, done)) == (key, done)


@given(st.binary(max_size=200))
def test_what_is_no_mark(data: bytes) -> None:
    assert parse_mark(data) is None
    assert parse_mark(MARK + data) is None


def test_a_damaged_mark_is_none() -> None:
    block = bytearray(mark("k", 5))
    block[len(MARK) + 3] ^= 1
    assert parse_mark(bytes(block)) is None


def test_a_new_file_gets_the_image_size(image: Path, tmp_path: Path) -> None:
    with Target.open_file(tmp_path / "card", SIZE) as target:
        flash(image, "k", blockmap.plan(image), target, pace=Pace())
    assert (tmp_path / "card").read_bytes() == image.read_bytes()
