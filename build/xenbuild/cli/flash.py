"""`xenbuild flash`: write an image to a disk, after looking twice, and read it back."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xenbuild.cli import output

if TYPE_CHECKING:
    from xenbuild.flash.blockmap import Plan
    from xenbuild.flash.find import Disk, System
    from xenbuild.flash.image import DiskImage
    from xenbuild.flash.target import Target
    from xenbuild.flash.write import Summary


@click.command()
@click.argument("image", required=False, type=click.Path(readable=False))
@click.argument("device", required=False, type=click.Path(readable=False))
@click.option(
    "--list", "only_list", is_flag=True, help="List the disks: what they are, what is on them, what is against."
)
@click.option("--yes", is_flag=True, help="Do not ask for the device's name to be typed.")
@click.option("--fixed-disk", is_flag=True, help="Allow a disk that is not removable.")
@click.option("--foreign", is_flag=True, help="Allow an image that xenbuild did not build.")
@click.option("--file", "to_file", is_flag=True, help="DEVICE is a file, which is made if it is not there.")
@click.option("--identity", metavar="TEXT", default="", help="Refuse unless --list --json still gives this identity.")
@click.option("--dry-run", is_flag=True, help="Check everything and say what would be written; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print progress and results as JSON, one object a line.")
def command(
    image: str | None,
    device: str | None,
    only_list: bool,
    yes: bool,
    fixed_disk: bool,
    foreign: bool,
    to_file: bool,
    identity: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Write IMAGE (the one in out/ that is for disks) to DEVICE, and compare what is read back.

    A disk that is in use in any way is refused with the reason. Only the blocks that the image uses are written; the
    partition table comes last, so what was interrupted is no disk that starts by half. Run again, it goes on.

    \b
    Examples:
      xenbuild flash --list                     the disks of this machine
      xenbuild flash out/x86_64-xen/lab.raw sdb ask for the name, write, compare
      xenbuild flash                            ask which device to write the only image to
      xenbuild flash --yes lab.raw card.img     an existing file in place of a disk
    """
    from xenbuild.flash.find import System

    system = System()
    if only_list:
        _list(system, fixed_disk, as_json)
        return
    if image is not None and device is None and _is_device(image):
        image, device = None, image
    asked = _ask(as_json, yes)
    chosen = _checked(Path(image) if image is not None else _only_image(), foreign)
    if device is not None and (to_file or Path(device).is_file()):
        _to_file(chosen, Path(device), system, asked, dry_run, as_json)
        return
    _to_disk(chosen, device, system, asked, fixed_disk, identity, dry_run, as_json)


def _to_disk(
    image: DiskImage,
    device: str | None,
    system: System,
    asked: Asked | None,
    fixed: bool,
    identity: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    from xenbuild.errors import HostError
    from xenbuild.flash import ask, guard
    from xenbuild.flash.blockmap import plan
    from xenbuild.flash.target import Target

    blocks = plan(image.path)
    if device is not None:
        disk = guard.named(device, system)
        guard.require_free(disk, image, fixed=fixed)
        guard.require_same(disk, system, identity)
        if not as_json:
            _show(image, blocks, disk)
        if asked and not dry_run:
            ask.confirm(disk.name, asked)
    elif asked is None or dry_run:
        raise HostError("no device is named", advice="name one; `xenbuild flash --list` shows them")
    else:
        free = [one for one in system.disks() if not guard.refusals(one, image, fixed=fixed)]
        print(output.table(("device", "size", "bus", "model", "on it"), [_row(one) for one in free]), end="")
        disk = ask.choose(free, asked)
    if dry_run:
        _tell_dry(image, blocks, str(disk.path), as_json)
        return
    guard.require_same(disk, system, identity)
    guard.require_free(system.disk(disk.name) or disk, image, fixed=fixed)  # it may have been mounted meanwhile
    with Target.open_disk(disk) as target:
        _write(image, blocks, target, as_json)


def _to_file(image: DiskImage, path: Path, system: System, asked: Asked | None, dry_run: bool, as_json: bool) -> None:
    from xenbuild.errors import HostError
    from xenbuild.flash import ask
    from xenbuild.flash.blockmap import plan
    from xenbuild.flash.target import UNIT, Target

    if path.exists() and path.resolve() == image.path.resolve():
        raise HostError(f"{path} is the image itself", advice="name another file, or a device")
    if path.exists() and not path.is_file():
        raise HostError(f"{path} is no file", advice="leave --file out")
    if loop := system.attached(path):
        advice = f"name /dev/{loop}, or detach it: losetup -d /dev/{loop}"
        raise HostError(f"{path} is attached to /dev/{loop}", advice=advice)
    there = path.stat().st_size if path.exists() else 0
    if 0 < there < image.size:
        advice = "make it larger (truncate -s), or remove it and give --file"
        raise HostError(f"{path} has {there} bytes; the image needs {image.size}", advice=advice)
    blocks = plan(image.path)
    if dry_run:
        _tell_dry(image, blocks, str(path), as_json)
        return
    if asked and there:
        ask.confirm(path.name, asked)
    with Target.open_file(path, -(-image.size // UNIT) * UNIT) as target:
        _write(image, blocks, target, as_json)


class Asked:
    """Answers questions from the terminal."""

    def __call__(self, question: str) -> str:
        print(question, end="", flush=True)
        return sys.stdin.readline()


def _ask(as_json: bool, yes: bool) -> Asked | None:
    """Who is asked; nobody with --yes. Raises HostError if there is nobody who could answer."""
    from xenbuild.errors import HostError

    if yes:
        return None
    if as_json or not sys.stdin.isatty():
        raise HostError("there is no terminal to ask for the device's name", advice="give --yes if you are sure")
    return Asked()


def _is_device(word: str) -> bool:
    return word.startswith("/dev/") or (not Path(word).exists() and Path("/dev", word).is_block_device())


def _only_image() -> Path:
    from xenbuild.errors import HostError
    from xenbuild.flash.image import built_images

    found = list(built_images(Path("out")))
    if len(found) == 1:
        return found[0]
    if not found:
        advice = "declare an image with a medium that is a disk, such as raw, and run `xenbuild image`"
        raise HostError("out/ holds no image of a disk", advice=advice)
    raise HostError(f"out/ holds several images: {', '.join(map(str, found))}", advice="name one of them")


def _checked(path: Path, foreign: bool) -> DiskImage:
    """The image, once it is known to be one, and to be as it was built."""
    from xenbuild.flash.image import read_image, require_unchanged
    from xenbuild.store.location import store_root
    from xenbuild.store.store import Store

    image = read_image(path, foreign=foreign)
    if image.sha256:
        with Store(store_root(os.environ)) as store:
            require_unchanged(image, store.digest_of(path))
    return image


def _key(image: DiskImage) -> str:
    """What tells that an interrupted run was about the same image."""
    if image.sha256:
        return image.sha256
    status = image.path.stat()
    return f"{status.st_dev}-{status.st_ino}-{status.st_size}-{status.st_mtime_ns}"


def _write(image: DiskImage, blocks: Plan, target: Target, as_json: bool) -> None:
    from xenbuild.cli.flashing import Flashing
    from xenbuild.flash.write import flash

    with Flashing(as_json=as_json) as progress:
        done = flash(image.path, _key(image), blocks, target, progress)
    if as_json:
        fields = {"device": str(target.path), "image": str(image.path), "size": done.size, "written": done.written}
        more = {"cleared": done.cleared, "compared": done.compared, "resumed": done.resumed}
        seconds = {phase: round(value, 3) for phase, value in done.seconds.items()}
        print(json.dumps({"flash": {**fields, **more, "seconds": seconds}}))
        return
    _tell(done, target)


def _tell(done: Summary, target: Target) -> None:
    writing = done.seconds["write"] + done.seconds["finish"]
    if done.resumed:
        print(f"went on from {output.size(done.resumed)}, where the last run was interrupted")
    rows = [("written", done.written, writing), ("compared", done.compared, done.seconds["compare"])]
    if done.cleared:
        rows.insert(1, ("cleared", done.cleared, done.seconds["clear"]))
    for what, count, seconds in rows:
        rate = f"{output.size(int(count / seconds))}/s" if seconds > 0.001 else ""
        print(f"{what:<9} {output.size(count):>10}  {seconds:6.1f} s  {rate}".rstrip())
    print(f"{target.path} holds the image: every byte was read back and compared")


def _show(image: DiskImage, blocks: Plan, disk: Disk) -> None:
    from xenbuild.flash.ask import contents

    size = output.size
    print(f"{os.path.relpath(image.path)}: {image.kind}, {size(image.size)}, {size(blocks.map.mapped)} of it to write")
    words = " ".join(filter(None, (disk.bus, disk.model)))
    print(f"{disk.path}: {size(disk.size)}{f' {words}' if words else ''}, holds: {contents(disk)}")


def _tell_dry(image: DiskImage, blocks: Plan, where: str, as_json: bool) -> None:
    if as_json:
        fields = {"image": str(image.path), "device": where, "size": image.size, "write": blocks.map.mapped}
        print(json.dumps({"dry_run": {**fields, "clear": blocks.clear}}))
        return
    holes = "; what lies between is made zero where it is not" if blocks.clear else ""
    print(f"would write {output.size(blocks.map.mapped)} of {image.path} to {where}{holes}")


def _row(disk: Disk) -> tuple[str, str, str, str, str]:
    from xenbuild.flash.ask import contents

    return disk.name, output.size(disk.size), disk.bus or "-", disk.model or "-", contents(disk)


def _list(system: System, fixed: bool, as_json: bool) -> None:
    from xenbuild.flash.ask import contents
    from xenbuild.flash.guard import refusals

    disks = [(disk, [one.reason for one in refusals(disk, None, fixed=fixed)]) for disk in system.disks()]
    if as_json:
        for disk, against in disks:
            fields = {"device": str(disk.path), "size": disk.size, "sector": disk.sector, "model": disk.model}
            more = {"serial": disk.serial, "bus": disk.bus, "removable": disk.removable, "holds": contents(disk)}
            print(json.dumps({"disk": {**fields, **more, "identity": disk.identity, "against": against}}))
        return
    rows = [(*_row(disk), against[0] if against else "-") for disk, against in disks]
    print(output.table(("device", "size", "bus", "model", "on it", "against"), rows, right=frozenset({1})), end="")
