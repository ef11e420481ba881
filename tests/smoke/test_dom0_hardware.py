"""What the dom0 that is a unikernel drives: hardware/xenbuild.yaml, and its screen and keyboard as people use them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from project import TOP, Project

from xenbuild.formats.picture import Picture, read_picture
from xenbuild.media.build import Settings
from xenbuild.prove.qmp import Qmp

pytestmark = pytest.mark.smoke

EXAMPLES = TOP / "recipes/examples/guests"
CPUS = {"ia32": "pentium2", "x86_64": "qemu64"}
DEADLINE = 100.0  # seconds for a boot, or for something to be seen
WIDTH, HEIGHT, ROWS = 8, 16, 8  # of a cell and a glyph: dom0-image/unikernel/screen/font.h


@pytest.fixture(scope="module")
def project(settings: Settings, module_folder: Path) -> Project:
    folder = module_folder / "hardware"
    shutil.copytree(Path(__file__).with_name("hardware"), folder, ignore=shutil.ignore_patterns("out"))
    for name in ("exercise", "paint"):
        shutil.copy(EXAMPLES / name / f"{name}.c", folder)
    shutil.copy(TOP / "xenbuild.lock", folder)
    return Project(folder, settings.store.root)


def passes(project: Project, target: str) -> None:
    for name in ("sata.img", "bad.img", "ide.img"):
        (project.folder / name).write_bytes(bytes(2 << 20))
    outcome = project.run("test", target, "--json", "-j1")
    verdicts = json.loads(outcome.out) if outcome.out else []
    assert outcome.code == 0 and verdicts, outcome.err + json.dumps(verdicts, indent=1)


def test_a_pentium_2_shows_a_guest_and_uses_disks(project: Project) -> None:
    passes(project, "ia32/hvkernel")
    for name in ("sata.img", "ide.img"):
        disk = (project.folder / name).read_bytes()
        assert all(disk[at : at + 512].strip(b"\0") for at in range(0, len(disk), 512))  # the guest wrote every sector


@pytest.mark.slow
@pytest.mark.parametrize("target", ["x86_64/hvkernel", "x86_64/xen"])
def test_so_does_a_machine_of_64_bits(project: Project, target: str) -> None:
    passes(project, target)


@dataclass
class Machine:
    """A running machine, its serial console and its screen."""

    qmp: Qmp
    log: Path

    def said(self, pattern: str) -> None:
        """Wait until the serial console says something."""
        self._until(lambda: bool(re.search(pattern, self.console)), lambda: f"no {pattern!r} in {self.console[-2000:]}")

    @property
    def console(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def press(self, *keys: str) -> None:
        """Press keys together, by QEMU's names."""
        self.qmp.command("send-key", keys=[{"type": "qcode", "data": key} for key in keys])

    def picture(self) -> Picture:
        dump = self.log.with_suffix(".ppm")
        self.qmp.command("screendump", filename=str(dump))
        return read_picture(dump.read_bytes())

    def shows(self, what: Callable[[Picture], str], pattern: str) -> None:
        """Wait until the screen shows something, read from its pixels."""
        self._until(lambda: bool(re.search(pattern, what(self.picture()))), lambda: what(self.picture()))

    @staticmethod
    def _until(holds: Callable[[], bool], why: Callable[[], str]) -> None:
        end = time.monotonic() + DEADLINE
        while not holds():
            assert time.monotonic() < end, why()
            time.sleep(0.2)


@contextmanager
def machine(argv: list[str], start: Sequence[str], folder: Path) -> Iterator[Machine]:
    qmp, log = Qmp(), folder / "console"
    words = ["-accel", "tcg", "-m", "128", "-nic", "none", "-display", "none", "-no-reboot"]
    words += ["-serial", f"file:{log}", *start, *qmp.argv()]
    with subprocess.Popen([*argv, *words], pass_fds=[qmp.theirs.fileno()]) as process:
        try:
            yield Machine(qmp, log)
        finally:
            process.kill()
            qmp.close()


def glyphs() -> dict[tuple[int, ...], str]:
    """What a cell's 16 lines look like, by the font's source."""
    source = (TOP / "dom0-image/unikernel/screen/font.c").read_text()
    rows = [[int(byte, 16) for byte in re.findall("0x(..)", line)] for line in source.splitlines() if "    {0x" in line]
    assert len(rows) == 95 and all(len(row) == ROWS for row in rows)
    cells = [tuple(row[n // 2] << 2 | row[n // 2] << 1 for n in range(HEIGHT)) for row in rows]
    assert len(set(cells)) == 95
    return {cell: chr(32 + n) for n, cell in enumerate(cells)}


def text_of(picture: Picture) -> str:
    """The text on a screen of pixels."""
    known, lines = glyphs(), []
    bright = [picture.pixels[at] > 0x60 for at in range(0, len(picture.pixels), 3)]
    for top in range(0, picture.height - HEIGHT + 1, HEIGHT):
        line = ""
        for left in range(0, picture.width - WIDTH + 1, WIDTH):
            starts = [(top + y) * picture.width + left for y in range(HEIGHT)]
            cell = tuple(sum(bright[at + x] << 7 - x for x in range(WIDTH)) for at in starts)
            line += known.get(cell, "?")
        lines.append(line.rstrip())
    return "\n".join(lines)


def letters_of(machine: Machine) -> str:
    """The text in the memory of VGA's text mode."""
    answer = machine.qmp.command("human-monitor-command", **{"command-line": "xp /2000hx 0xb8000"})
    cells = [int(word, 16) for word in re.findall(r"0x([0-9a-f]{4})\b", answer)]
    text = "".join(chr(cell & 255) for cell in cells)
    return "\n".join(text[at : at + 80].rstrip() for at in range(0, len(text), 80))


def image(project: Project, arch: str) -> Path:
    outcome = project.run("image", f"{arch}/hvkernel")
    assert outcome.code == 0, outcome.err
    return project.folder / f"out/{arch}-hvkernel/hardware.elf"


@pytest.mark.parametrize("arch", ["x86_64", pytest.param("ia32", marks=pytest.mark.slow)])
def test_the_shell_is_used_by_screen_and_keyboard(
    project: Project, tool: Callable[[str], list[str]], tmp_path: Path, arch: str
) -> None:
    argv = [*tool("qemu-system-x86_64"), "-cpu", CPUS[arch], "-vga", "std"]
    with machine(argv, ["-kernel", str(image(project, arch))], tmp_path) as here:
        here.said("paint: a screen of 640x480")
        here.shows(text_of, r"dom0: unikernel on Xen ABI (.|\n)*xenbuild: dom0 ready(.|\n)*\ndom0>")
        for key in ("l", "i", "s", "t", "ret"):
            here.press(key)
        here.shows(text_of, r"\ndom0> list\nname +id +KiB(.|\n)*\npaint +1 +8192 ")
        for key in ("s", "c", "r", "e", "e", "n", "spc", "p", "a", "i", "n", "t", "ret"):
            here.press(key)
        here.shows(lambda picture: picture.pixels[:3].hex(), "ff0000")
        # Now keys are the guest's: an arrow has a code of two bytes, and A is a shift and a letter.
        here.press("up")
        here.said("paint: key 103 is number 1")
        here.press("shift", "a")
        here.said("paint: key 42 is number 2(.|\n)*paint: key 30 is number 3")
        here.press("ctrl", "bracket_right")
        here.said("paint: key 29 is number 4")
        here.shows(text_of, r"\npaint +1 +8192 (.|\n)*\ndom0>")
        for key in ("h", "e", "l", "p", "ret"):
            here.press(key)
        here.shows(text_of, r"\nhelp +this")
        assert "number 5" not in here.console


@pytest.mark.slow
@pytest.mark.parametrize("arch", CPUS)
def test_a_card_without_a_linear_mode_shows_text(
    project: Project, tool: Callable[[str], list[str]], tmp_path: Path, arch: str
) -> None:
    argv = [*tool("qemu-system-x86_64"), "-cpu", CPUS[arch], "-vga", "cirrus"]
    with machine(argv, ["-kernel", str(image(project, arch))], tmp_path) as here:
        here.said("dom0: a screen of 80 columns and 25 rows")
        here.said("paint: a screen of 640x480")
        for key in ("h", "e", "l", "p", "ret"):
            here.press(key)
        here.shows(lambda picture: letters_of(here), r"\nhelp +this\ndom0>")
        for key in ("s", "c", "r", "e", "e", "n", "spc", "p", "a", "i", "n", "t", "ret"):
            here.press(key)
        here.shows(lambda picture: letters_of(here), "\nscreen: the machine has no screen for pictures\n")


@pytest.mark.slow
def test_qemus_back_ends_show_our_guest(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "screens"
    shutil.copytree(Path(__file__).with_name("screens"), folder, ignore=shutil.ignore_patterns("out"))
    shutil.copy(EXAMPLES / "paint/paint.c", folder)
    shutil.copy(TOP / "recipes/examples/hvm/xenbuild.lock", folder)  # with a device model
    outcome = Project(folder, settings.store.root).run("test", "--json")
    verdicts = json.loads(outcome.out) if outcome.out else []
    assert outcome.code == 0 and verdicts, outcome.err + json.dumps(verdicts, indent=1)


@pytest.mark.slow
@pytest.mark.parametrize("arch", CPUS)
def test_the_mode_that_grub_set_is_used(
    project: Project, tool: Callable[[str], list[str]], tools_dir: Path, tmp_path: Path, arch: str
) -> None:
    """On a card that only its BIOS can set to a mode."""
    iso, folder = tmp_path / "x.iso", tmp_path / "iso"
    folder.mkdir()
    shutil.copy(image(project, arch), folder / "bundle.elf")
    config = tmp_path / "early.cfg"
    config.write_text("multiboot2 (cd)/bundle.elf\nboot\n")  # which asks for any framebuffer
    needed = ["biosdisk", "iso9660", "normal", "boot", "multiboot2", "vbe", "all_video"]
    words = ["-O", "i386-pc-eltorito", "-d", str(tools_dir / "usr/lib/grub/i386-pc"), "-p", "/", "-c", str(config)]
    subprocess.run([*tool("grub-mkimage"), *words, "-o", str(folder / "grub.img"), *needed], check=True)
    words = ["-b", "grub.img", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table"]
    subprocess.run([*tool("xorriso"), "-as", "mkisofs", "-quiet", "-o", str(iso), *words, str(folder)], check=True)
    argv = [*tool("qemu-system-x86_64"), "-cpu", CPUS[arch], "-vga", "vmware"]
    with machine(argv, ["-cdrom", str(iso), "-boot", "d"], tmp_path) as here:
        here.said("paint: a screen of 640x480")
        assert here.picture().width != 720  # VGA's text mode
        here.shows(text_of, r"dom0: unikernel on Xen ABI (.|\n)*xenbuild: dom0 ready(.|\n)*\ndom0>")
        for key in ("s", "c", "r", "e", "e", "n", "spc", "p", "a", "i", "n", "t", "ret"):
            here.press(key)
        here.shows(lambda picture: picture.pixels[:3].hex(), "ff0000")
