"""Which disks are found and what is known of them; every reason against writing one, with its words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fake_system import Machine
from faulty_disks import MIB, gpt

from xenbuild.errors import HostError
from xenbuild.flash import ask
from xenbuild.flash.find import Disk, Use
from xenbuild.flash.guard import named, refusals, require_free, require_same
from xenbuild.flash.image import DiskImage

USB = "pci0000:00/usb1/1-2"
IMAGE = DiskImage(Path("lab.raw"), 16 * MIB, "GPT", 512, "")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A stick, sdb, with one partition."""
    machine = Machine(tmp_path)
    files = {"removable": "1", "diskseq": "12", "device_vendor": "SanDisk", "device_model": "Ultra"}
    machine.disk("sdb", 64 * MIB, place=USB, content=gpt(64 * MIB), **files)
    machine.partition("sdb", 1, MIB, 32 * MIB)
    above = tmp_path / "sys/devices" / USB
    (above / "idVendor").write_text("0781\n")
    (above / "serial").write_text("4C530001\n")
    return machine


def stick(machine: Machine) -> Disk:
    disk = machine.system.disk("sdb")
    assert disk
    return disk


def reasons(machine: Machine, name: str = "sdb", **options: bool) -> list[str]:
    disk = machine.system.disk(name)
    assert disk
    return [one.reason for one in refusals(disk, IMAGE, **options)]


def test_a_stick_is_described_and_may_be_written(machine: Machine) -> None:
    disk = stick(machine)
    assert (disk.size, disk.sector, disk.bus, disk.removable, disk.readonly) == (64 * MIB, 512, "usb", True, False)
    assert (disk.model, disk.serial) == ("SanDisk Ultra", "4C530001")
    assert disk.identity == f"sdb/SanDisk Ultra/4C530001/{64 * MIB}/12"
    assert disk.holds == (("sdb", "GPT"),)
    assert ask.contents(disk) == "GPT"
    assert machine.system.disks() == [disk]
    assert refusals(disk, IMAGE) == []


def test_a_disk_that_was_changed_for_the_one_that_the_user_listed(machine: Machine) -> None:
    listed = stick(machine)
    require_same(listed, machine.system, listed.identity)
    with pytest.raises(HostError, match="is not the device that was listed"):
        require_same(replace(listed, serial="4C530002"), machine.system, listed.identity)


def test_an_image_that_just_fits(machine: Machine) -> None:
    whole = DiskImage(Path("lab.raw"), 64 * MIB, "GPT", 512, "")
    assert refusals(stick(machine), whole) == []
    (refused,) = refusals(stick(machine), replace(whole, size=64 * MIB + 512))
    assert refused.reason == f"has {64 * MIB} bytes; the image needs {64 * MIB + 512}"


def test_what_is_on_a_partition(machine: Machine) -> None:
    with (machine.root / "dev/sdb").open("r+b") as file:
        file.seek(MIB + 1080)
        file.write(b"\x53\xef")
    assert stick(machine).holds == (("sdb", "GPT"), ("sdb1", "ext2/3/4"))
    assert ask.contents(stick(machine)) == "GPT; sdb1: ext2/3/4"


def test_other_things_are_no_disks(machine: Machine) -> None:
    for name in ("ram0", "zram0", "sr0", "md0", "dm-0", "loop7"):
        machine.disk(name, 0 if name == "loop7" else MIB)
    machine.disk("sdc", 0, place=f"{USB}3")  # a card reader without a card
    assert [disk.name for disk in machine.system.disks()] == ["sdb"]


@pytest.mark.parametrize(
    ("name", "place", "files", "bus", "removable"),
    [
        ("sda", "pci/ata1/host0/target0", {"removable": "0"}, "ata", False),
        ("sdc", USB + "9", {"removable": "0"}, "usb", True),  # a disk in a case
        ("mmcblk0", "platform/mmc_host/mmc0", {"device_type": "SD"}, "mmc", True),
        ("mmcblk1", "platform/mmc_host/mmc1", {"device_type": "MMC"}, "mmc", False),  # soldered in
        ("nvme0n1", "pci/nvme/nvme0", {}, "nvme", False),
        ("vda", "pci/virtio1", {"device_vendor": "0x1af4"}, "virtio", False),
        ("loop0", "virtual/block", {}, "loop", True),
    ],
)
def test_fixed_and_removable(
    name: str, place: str, files: dict[str, str], bus: str, removable: bool, machine: Machine
) -> None:
    machine.disk(name, 64 * MIB, place=place, **files)
    disk = machine.system.disk(name)
    assert disk
    assert (disk.bus, disk.removable, disk.model) == (bus, removable, "")
    fixed = f"is a fixed disk ({bus}), not a removable one"
    assert reasons(machine, name) == ([] if removable else [fixed])
    assert reasons(machine, name, fixed=True) == []


def test_a_mounted_partition(machine: Machine) -> None:
    machine.mount("sdb1", "/media/my\\040stick")
    assert reasons(machine) == ["is mounted on /media/my stick, on sdb1"]
    with pytest.raises(HostError) as caught:
        require_free(stick(machine), IMAGE)
    assert str(caught.value) == f"{machine.root}/dev/sdb is mounted on /media/my stick, on sdb1"
    assert caught.value.advice == "unmount it: umount /media/my stick"


def test_the_running_system(machine: Machine) -> None:
    machine.mount("sdb1", "/boot")
    assert reasons(machine) == ["holds the running system (/boot, on sdb1)"]


def test_btrfs_mounts_have_numbers_of_their_own(machine: Machine) -> None:
    machine.mount("sdb1", "/", number="0:29")
    assert reasons(machine) == ["holds the running system (/, on sdb1)"]


def test_swap(machine: Machine) -> None:
    machine.swap("sdb1")
    assert reasons(machine) == ["is in use as swap, on sdb1"]


def test_volumes_above_it_and_what_is_mounted_of_them(machine: Machine) -> None:
    machine.volume("dm-3", "sdb1", "LVM", "vg-root")
    machine.mount("dm-3", "/")
    assert reasons(machine) == [
        "is held by LVM volume vg-root (dm-3), on sdb1",
        "holds the running system (/, on sdb1)",
    ]


def test_a_raid_array(machine: Machine) -> None:
    machine.array("md127", "sdb", "raid1")
    assert reasons(machine) == ["is held by RAID array of level 1 (md127)"]


def test_a_member_beside_a_partition_that_is_held(machine: Machine) -> None:
    machine.partition("sdb", 2, 33 * MIB, 8 * MIB)
    machine.volume("dm-3", "sdb2", "LVM", "vg-data")
    with (machine.root / "dev/sdb").open("r+b") as file:
        file.seek(MIB + 4096)
        file.write(b"\xfc\x4e\x2b\xa9")
    assert reasons(machine) == [
        "is held by LVM volume vg-data (dm-3), on sdb2",
        "has with sdb1 a member of RAID",
    ]


@pytest.mark.parametrize(
    ("at", "magic", "reason"),
    [
        (MIB + 512, b"LABELONE" + bytes(16) + b"LVM2 001", "has with sdb1 a member of LVM"),
        (MIB + 4096, b"\xfc\x4e\x2b\xa9", "has with sdb1 a member of RAID"),
        (0x20000, b"\x0c\xb1\xba\x00\x00\x00\x00\x00", "is a member of ZFS"),
    ],
)
def test_members_that_nobody_holds(at: int, magic: bytes, reason: str, machine: Machine) -> None:
    with (machine.root / "dev/sdb").open("r+b") as file:
        file.seek(at)
        file.write(magic)
    assert reasons(machine) == [reason]


def test_too_small_read_only_and_other_sectors(machine: Machine) -> None:
    machine.disk("sdc", 8 * MIB, place=f"{USB}3", ro="1", sector="4096")
    assert reasons(machine, "sdc") == [
        "is read-only",
        f"has {8 * MIB} bytes; the image needs {16 * MIB}",
        "has sectors of 4096 bytes; the image's partition table is for 512",
    ]


def test_all_reasons_are_told_at_once(machine: Machine) -> None:
    machine.disk("sda", 8 * MIB, place="pci/ata1")
    machine.mount("sda", "/")
    with pytest.raises(HostError) as caught:
        require_free(machine.system.disk("sda") or stick(machine), IMAGE)
    assert caught.value.message.endswith(
        "sda holds the running system (/); is a fixed disk (ata), not a removable one;"
        f" has {8 * MIB} bytes; the image needs {16 * MIB}"
    )
    assert caught.value.advice == "take another device; give --fixed-disk if you mean it; take a larger device"


def test_a_device_that_was_changed_or_pulled_out(machine: Machine) -> None:
    listed = stick(machine)
    require_same(listed, machine.system)
    require_same(listed, machine.system, listed.identity)
    with pytest.raises(HostError, match="is not the device that was listed: it was sdb/other, it is sdb/SanDisk"):
        require_same(listed, machine.system, "sdb/other")
    (machine.root / "sys/block/sdb/diskseq").write_text("13\n")
    with pytest.raises(HostError, match="is not the device that was listed"):
        require_same(listed, machine.system)
    (machine.root / "sys/block/sdb/size").write_text("0\n")
    with pytest.raises(HostError, match="sdb is gone"):
        require_same(listed, machine.system)


def test_names(machine: Machine, tmp_path: Path) -> None:
    assert named("sdb", machine.system).name == "sdb"
    assert named("/dev/sdb", machine.system).name == "sdb"
    (tmp_path / "by-id").symlink_to("/dev/sdb")
    assert named(str(tmp_path / "by-id"), machine.system).name == "sdb"
    for word, message, advice in (
        ("sdb1", "/dev/sdb1 is a partition; an image has partitions of its own", "name the disk: /dev/sdb"),
        ("sdx", "there is no device /dev/sdx", "disks here: sdb"),
    ):
        with pytest.raises(HostError) as caught:
            named(word, machine.system)
        assert (caught.value.message, caught.value.advice) == (message, advice)


def test_a_disk_that_we_cannot_read(machine: Machine) -> None:
    (machine.root / "dev/sdb").unlink()
    assert stick(machine).holds is None
    assert ask.contents(stick(machine)) == "cannot be read"


def test_a_file_that_is_attached(machine: Machine, tmp_path: Path) -> None:
    machine.disk("loop3", MIB)
    (machine.root / "sys/block/loop3/loop").mkdir()
    (machine.root / "sys/block/loop3/loop/backing_file").write_text(f"{tmp_path}/card\n")
    assert machine.system.attached(tmp_path / "card") == "loop3"
    assert machine.system.attached(tmp_path / "other") == ""


def test_asking(machine: Machine) -> None:
    asked: list[str] = []
    ask.confirm("sdb", lambda question: asked.append(question) or " sdb\n")
    assert asked == ["All of it will be lost. Type sdb to go on: "]
    for typed, message in (("sda\n", "'sda' is not sdb: nothing was written"), ("", "nothing was written")):
        with pytest.raises(HostError) as caught:
            ask.confirm("sdb", lambda question, typed=typed: typed)
        assert caught.value.message == message
    assert ask.choose([stick(machine)], lambda question: "/dev/sdb\n").name == "sdb"
    with pytest.raises(HostError, match="'y' is none of sdb: nothing was written"):
        ask.choose([stick(machine)], lambda question: "y\n")
    with pytest.raises(HostError, match="there is no device that could be written"):
        ask.choose([], lambda question: "sdb\n")


def test_uses_are_told_with_their_place(machine: Machine) -> None:
    machine.mount("sdb", "/mnt")
    assert stick(machine).uses == (Use("sdb", "mounted", "/mnt"),)
    assert reasons(machine) == ["is mounted on /mnt"]
