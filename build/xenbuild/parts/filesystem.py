"""Action: layers of files -> a disk image that is one file system; no privilege, and the same bytes every time.

params: kind ("ext4" or "erofs"), layers (parts/layers.py), size (bytes of the image; 0: what it
takes), readonly (no room to write, no journal), programs (paths that must be programs, each with what misses it).
inputs: tools (the tools tree), and what the layers name.  output: image.

The files go to mke2fs(8) and mkfs.erofs(1) as a tar archive, which has owners and devices. UUIDs are derived from the
parameters and inputs, times are 0.
"""

from __future__ import annotations

import os
import stat
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from xenbuild.errors import FormatError
from xenbuild.parts.ext4 import BLOCK, INODE, Layout, layout
from xenbuild.parts.layers import Members, read_layers, resolve, tar
from xenbuild.parts.toolstree import ToolsTree
from xenbuild.plan.action import canonical_json
from xenbuild.plan.job import Job

# What every reader knows: GRUB 2.06 and Linux 4.18. No copies of the superblock and all tables in front, so that the
# part of the image that was never written is one piece, at its end.
_FEATURES = (
    "ext_attr,dir_index,filetype,extent,64bit,flex_bg,sparse_super2,large_file,huge_file,dir_nlink,extra_isize,"
    "metadata_csum"
)
_CONFIG = "[fs_types]\n  ext4 = {\n    inode_size = 256\n  }\n  default = {\n    inode_size = 256\n  }\n"
_EPOCH = {"SOURCE_DATE_EPOCH": "0"}
# Clusters of 64 KiB: of a Debian root of 81 MB lz4hc makes 43 MB, and 47 MB with clusters of 16 KiB.
_EROFS = ["-zlz4hc,12", "-C65536", "-T0", "--workers=1", "--quiet"]


def run(job: Job) -> None:
    params = job.params
    archive = job.folder / "root.tar"
    with ExitStack() as packages:
        members = read_layers(job, params["layers"], packages)
        for path, why in params["programs"].items():
            _check_program(members, path, why)
        with archive.open("wb") as file:
            for chunk in tar(members):
                file.write(chunk)
    uuids = _uuids(job)
    if params["kind"] == "erofs":
        _erofs(job, archive, uuids[0])
    else:
        _ext4(job, archive, layout(members, params["size"], writable=not params["readonly"]), uuids)


def too_small(size: int, needed: int) -> FormatError:
    """The error for a declared size that is less than the content takes."""
    least = -(-needed // 1024)
    return FormatError(
        f"size: {size} bytes are too few, it takes {needed}",
        advice=f"write size: {least}K or more, or leave size out",
    )


def _ext4(job: Job, archive: Path, made: Layout, uuids: tuple[UUID, UUID]) -> None:
    size = job.params["size"]
    if size and size < made.needed:
        raise too_small(size, made.needed)
    config = job.folder / "mke2fs.conf"  # instead of the host's
    config.write_text(_CONFIG)
    image = job.out("image")
    journal = [f"-Jsize={made.journal >> 20}"] if made.journal else []
    extended = f"hash_seed={uuids[1]},num_backup_sb=0,packed_meta_blocks=1,root_owner=0:0,lazy_itable_init=0,nodiscard"
    features = f"none,{'has_journal,' if made.journal else ''}{_FEATURES}"
    words = [
        "-q", "-F", "-text4", "-Tdefault", f"-b{BLOCK}", f"-I{INODE}", f"-N{made.inodes}", "-m0", f"-O{features}",
        f"-U{uuids[0]}", f"-E{extended}", *journal, "-d", str(archive), str(image), str(made.blocks),
    ]  # fmt: skip
    program = ToolsTree(job.path("tools")).argv("mke2fs")
    job.run([*program, *words], env={**_EPOCH, "MKE2FS_CONFIG": str(config)})
    os.truncate(image, max(size, made.blocks * BLOCK))


def _erofs(job: Job, archive: Path, uuid: UUID) -> None:
    image, size = job.out("image"), job.params["size"]
    program = ToolsTree(job.path("tools")).argv("mkfs.erofs")
    job.run([*program, *_EROFS, f"-U{uuid}", "--tar=f", str(image), str(archive)], env=_EPOCH)
    made = image.stat().st_size
    if size and size < made:
        raise too_small(size, made)
    os.truncate(image, max(size, made))


def _uuids(job: Job) -> tuple[UUID, UUID]:
    """The UUID and the seed of the hashes of names: random to the eye, the same for the same content."""
    inputs = {name: job.digest(name).hash for name in job.inputs if name != "tools"}
    digest = sha256(canonical_json([job.params, inputs]).encode()).digest()
    return UUID(bytes=digest[:16], version=4), UUID(bytes=digest[16:], version=4)


def _check_program(members: Members, path: str, why: str) -> None:
    found = resolve(members, path)
    if found is None or not stat.S_ISREG(found.mode) or not found.mode & 0o111:
        raise FormatError(f"there is no program /{path} on it", advice=why)
