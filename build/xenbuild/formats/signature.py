"""What is on a block device, told by the bytes that partition tables, file systems and volume managers begin with.

Offsets are those of libblkid (util-linux) and of each format's own description.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

Read = Callable[[int, int], bytes]  # (offset, size) -> bytes; fewer, or none, behind the end


@dataclass(frozen=True, slots=True)
class Magic:
    """A name, what kind of thing it is (file system, member, swap, table), and bytes at an offset that tell it."""

    name: str
    kind: str
    offset: int
    bytes: bytes


MAGICS = (
    Magic("LUKS", "member", 0, b"LUKS\xba\xbe"),
    Magic("RAID", "member", 0x1000, b"\xfc\x4e\x2b\xa9"),  # md 1.2; 1.1 has it at 0
    Magic("RAID", "member", 0, b"\xfc\x4e\x2b\xa9"),
    Magic("bcache", "member", 0x1018, bytes.fromhex("c68573f64e1a45ca8265f57f48ba6d81")),
    Magic("swap", "swap", 4086, b"SWAPSPACE2"),
    Magic("XFS", "file system", 0, b"XFSB"),
    Magic("squashfs", "file system", 0, b"hsqs"),
    Magic("NTFS", "file system", 3, b"NTFS    "),
    Magic("exFAT", "file system", 3, b"EXFAT   "),
    Magic("FAT", "file system", 82, b"FAT32   "),
    Magic("FAT", "file system", 54, b"FAT16   "),
    Magic("FAT", "file system", 54, b"FAT12   "),
    Magic("ext2/3/4", "file system", 1080, b"\x53\xef"),
    Magic("erofs", "file system", 1024, b"\xe2\xe1\xf5\xe0"),
    Magic("F2FS", "file system", 1024, b"\x10\x20\xf5\xf2"),
    Magic("btrfs", "file system", 65600, b"_BHRfS_M"),
    Magic("ZFS", "member", 0x20000, b"\x0c\xb1\xba\x00\x00\x00\x00\x00"),
    Magic("ISO 9660", "file system", 32769, b"CD001"),
)
MEMBERS = ("LVM", "RAID", "bcache", "ZFS")  # of which there is more than what one device shows; LUKS stands alone


def names(read: Read, size: int, sector: int = 512) -> list[str]:
    """What a device (or partition) of `size` bytes holds: "GPT", "MBR", "LVM", "FAT", …; empty if nothing is known."""
    found = [magic.name for magic in MAGICS if read(magic.offset, len(magic.bytes)) == magic.bytes]
    if _is_lvm(read):
        found.insert(0, "LVM")
    if _has_old_raid(read, size):
        found.insert(0, "RAID")
    table = partition_table(read, size, sector)
    if (
        table and "FAT" not in found and "NTFS" not in found and "exFAT" not in found
    ):  # whose boot sector looks like one
        found.insert(0, table)
    return list(dict.fromkeys(found))


def partition_table(read: Read, size: int, sector: int = 512) -> str:
    """ "GPT", "MBR" or "": a GPT whose first copy is gone counts, since firmware and kernels bring it back."""
    if is_gpt_header(read(sector, 512)) or is_gpt_header(read(size - sector, 512)):
        return "GPT"
    return "MBR" if is_mbr(read(0, 512)) else ""


def is_gpt_header(data: bytes) -> bool:
    """UEFI specification, 5.3.2."""
    return data[:8] == b"EFI PART"


def is_mbr(data: bytes) -> bool:
    """Signature, and at least one partition with a type and a length, all of them marked active or not."""
    if len(data) < 512 or data[510:512] != b"\x55\xaa":
        return False
    entries = [data[446 + 16 * number : 462 + 16 * number] for number in range(4)]
    if any(entry[0] not in (0, 0x80) for entry in entries):
        return False
    return any(entry[4] and struct.unpack_from("<I", entry, 12)[0] for entry in entries)


def _is_lvm(read: Read) -> bool:
    """A label in one of the first four sectors: LABELONE at its start, LVM2 001 as its type."""
    sectors = (read(number * 512, 32) for number in range(4))
    return any(label[:8] == b"LABELONE" and label[24:32] == b"LVM2 001" for label in sectors)


def _has_old_raid(read: Read, size: int) -> bool:
    """md's superblocks at the end: 1.0 at 8 KiB before it, 0.90 in the last whole 64 KiB (md(4))."""
    places = ((size // 512 - 16) // 8 * 8 * 512, size // 65536 * 65536 - 65536)
    return any(place > 0 and read(place, 4) == b"\xfc\x4e\x2b\xa9" for place in places)
