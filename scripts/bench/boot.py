"""Time to a ready dom0: the bundle beside the same parts as modules that QEMU's own multiboot loader places."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Sequence
from pathlib import Path

from listen import listen
from measure import Cost, Unavailable
from workshop import Workshop

READY = "xenbuild: dom0 ready"


def machines(workshop: Workshop) -> tuple[list[str], list[str]]:
    """QEMU's command lines for the bundle and for its parts; what `xenbuild run` would start, but for the console."""
    workshop.xenbuild("image")
    argv = shlex.split(workshop.ask("scripts/xenbuild", "run", "--dry-run").splitlines()[-1])
    console = argv.index("-serial")
    argv[console : console + 2] = ["-serial", "stdio", "-monitor", "none"]
    image = argv.index("-kernel") + 1
    bundle = (workshop.checkout / argv[image]).resolve()
    manifest = json.loads((bundle.parent / "manifest.json").read_text())["bundle"]
    argv[image] = str(bundle)
    return argv, [*argv[:image], *separate(bundle, manifest["parts"], workshop.folder), *argv[image + 1 :]]


def separate(bundle: Path, parts: Sequence[dict[str, object]], folder: Path) -> list[str]:
    """Cut the parts out of the bundle; returns QEMU's words for them, beginning with the value of -kernel.

    QEMU splits -initrd at commas (two stand for one), and a module's command line from its file at a blank.
    """
    content = memoryview(bundle.read_bytes())
    modules = []
    for part in parts:
        offset, size = int(str(part["offset"])), int(str(part["size"]))
        data = content[offset : offset + size]
        if hashlib.sha256(data).hexdigest() != part["sha256"]:
            raise Unavailable(f"{bundle.name} does not hold what its manifest says of {part['name']}")
        file = folder / f"part-{part['name']}"
        file.write_bytes(data)
        modules.append(f"{file} {part['cmdline']}".strip())
    kernel, _, words = modules.pop(0).partition(" ")
    return [kernel, "-append", words, "-initrd", ",".join(module.replace(",", ",,") for module in modules)]


def boot(argv: Sequence[str]) -> Cost:
    """From QEMU's start until dom0 says that it is ready. Raises Unavailable with the last line if it never does."""
    cost, _ = listen(argv, Path(), lambda line: READY in line)
    return cost
