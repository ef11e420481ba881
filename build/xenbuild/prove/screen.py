"""Screenshots of the machine and of guests, and what they must show."""

from __future__ import annotations

import re
import shlex
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from xenbuild.errors import FormatError, ProofFailed
from xenbuild.formats.picture import Picture, read_picture, write_png
from xenbuild.prove.boot import Boot
from xenbuild.prove.guest import quietly, unpack

if TYPE_CHECKING:
    from xenbuild.spec.proof import Shows, Step

_AGAIN = 1.0  # seconds between screenshots
_OFF = 8  # what a channel of a color may differ by: 5 bits of a framebuffer with 16 bits a pixel
_NEVER = re.compile(r"(?!)")
_DUMP = "/run/xb-screen.ppm"  # in dom0


def take(boot: Boot, step: Step, deadline: float) -> None:
    """Takes pictures until one shows what it must; keeps the last one."""
    assert step.screenshot
    like = _reference(step.shows)
    kept = boot.file(step.screenshot)
    boot.pictures.append(kept)
    while True:
        picture = _of_guest(boot, step.guest, deadline) if step.guest else _of_machine(boot, kept)
        kept.write_bytes(write_png(picture))
        wrong = fault(picture, step.shows, like) if step.shows else ""
        if not wrong:
            return
        if time.monotonic() + _AGAIN >= deadline:
            raise ProofFailed(wrong, at=step.at("shows"), advice=f"the screen is kept as {kept}")
        boot.console.seen(_NEVER, time.monotonic() + _AGAIN)


def fault(picture: Picture, shows: Shows, like: Picture | None) -> str:
    """What is wrong with a picture, in words; nothing if it is as it must be."""
    total = picture.width * picture.height
    if like:
        if (picture.width, picture.height) != (like.width, like.height):
            return f"the screen has {picture.width}x{picture.height} pixels instead of {like.width}x{like.height}"
        differing = sum(not _near(a, b) for a, b in zip(picture.colors(), like.colors(), strict=True) if a != b)
        if 100 * differing > shows.difference * total:
            return f"{100 * differing / total:.2f}% of the screen differ, where {shows.difference:g}% may"
    counts = Counter(picture.colors()) if shows.colors else Counter()
    for wanted in shows.colors:
        red, green, blue = bytes.fromhex(wanted.color[1:])
        share = 100 * sum(n for color, n in counts.items() if _near(color, (red, green, blue))) / total
        if share < wanted.share:
            return f"{share:.2f}% of the screen are {wanted.color}, where {wanted.share:g}% must be"
    return ""


def _near(a: tuple[int, int, int], b: tuple[int, int, int]) -> bool:
    return all(abs(x - y) <= _OFF for x, y in zip(a, b, strict=True))


def _reference(shows: Shows | None) -> Picture | None:
    if not shows or not shows.like:
        return None
    try:
        return read_picture(shows.like.read_bytes())
    except FormatError as e:
        e.at = shows.at("like")
        raise


def _of_machine(boot: Boot, beside: Path) -> Picture:
    dump = beside.with_suffix(".ppm")
    try:
        boot.qmp.command("screendump", filename=str(dump.absolute()))
        return read_picture(dump.read_bytes())
    finally:
        dump.unlink(missing_ok=True)


def _of_guest(boot: Boot, name: str, deadline: float) -> Picture:
    """Its device model writes the screen to a file in dom0, which comes here as text."""
    boot.in_dom0(name)
    command = f"xl qemu-monitor-command {shlex.quote(name)} {shlex.quote(f'screendump {_DUMP}')}"
    done = boot.shell.run(f"rm -f {_DUMP}; {command} && [ -s {_DUMP} ]", deadline)
    if done.status:
        raise ProofFailed(
            f"guest {name} gives no screenshot: its device model did not answer",
            advice=f"it needs a `framebuffer`; dom0 said: {' / '.join(done.output.split(chr(10))[-3:])}",
        )
    while time.monotonic() < deadline:
        data = unpack(quietly(boot.console, boot.shell, f"gzip -c {_DUMP} | base64", deadline))
        if data is not None:
            return read_picture(data)
    raise ProofFailed(f"the screenshot of guest {name} did not come over the console in time")
