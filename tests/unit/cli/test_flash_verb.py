"""`xenbuild flash`: what it lists, asks and refuses, on a machine of its own and on files."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "flash"))
from fake_system import Machine
from faulty_disks import MIB, make_image, old_disk

from xenbuild.cli import flash, flashing, group
from xenbuild.flash import find
from xenbuild.flash.target import Target

IMAGE = "out/x86_64-xen/lab.raw"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An image in out/, and a machine with one stick and one fixed disk."""
    out = tmp_path / "out" / "x86_64-xen"
    out.mkdir(parents=True)
    content = make_image(out / "lab.raw", 4 * MIB, [(2 * MIB, 5000)])
    listed = [{"file": "lab.raw", "sha256": sha256(content).hexdigest()}]
    (out / "manifest.json").write_text(json.dumps({"images": listed}))
    machine = Machine(tmp_path / "machine")
    stick = {"removable": "1", "diskseq": "5", "device_model": "Stick"}
    machine.disk("sdb", 8 * MIB, place="pci/usb1/1-2", **stick)
    old_disk(tmp_path / "machine/dev/sdb", 8 * MIB)
    machine.disk("sda", 8 * MIB, place="pci/ata1", device_model="Disk")
    machine.mount("sda", "/")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XENBUILD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(find, "System", lambda: machine.system)
    monkeypatch.setattr(Target, "open_disk", lambda disk: Target.open_file(disk.path, disk.size))
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def call(*words: str, typed: str | None = None) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", Terminal(typed))
        code = group.run(["flash", *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


class Terminal(io.StringIO):
    """Standard input with somebody who types, or nobody."""

    def __init__(self, typed: str | None) -> None:
        super().__init__(typed or "")
        self._there = typed is not None

    def isatty(self) -> bool:
        return self._there


def test_the_list(run: Run) -> None:
    assert run("--list")[:2] == (
        0,
        "device     size  bus  model  on it          against\n"
        "sda     8.0 MiB  ata  Disk   nothing known  holds the running system (/)\n"
        "sdb     8.0 MiB  usb  Stick  GPT            -\n",
    )
    first, second = (json.loads(line)["disk"] for line in run("--list", "--json")[1].splitlines())
    assert first["against"] == ["holds the running system (/)", "is a fixed disk (ata), not a removable one"]
    assert second["against"] == []
    assert second["identity"] == f"sdb/Stick//{8 * MIB}/5"


def test_typing_the_name(run: Run, folder: Path) -> None:
    code, out, err = run(IMAGE, "sdb", typed="sdb\n")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "out/x86_64-xen/lab.raw: GPT, 4.0 MiB, 16.0 KiB of it to write"
    assert lines[1].endswith("dev/sdb: 8.0 MiB usb Stick, holds: GPT")
    assert lines[2].startswith("All of it will be lost. Type sdb to go on: written     16.0 KiB")
    assert lines[-1].endswith("dev/sdb holds the image: every byte was read back and compared")
    assert (folder / "machine/dev/sdb").read_bytes()[: 4 * MIB] == (folder / "out/x86_64-xen/lab.raw").read_bytes()


def test_what_is_not_said_is_asked(run: Run) -> None:
    """The only image in out/, and any device that may be written."""
    code, out, err = run(typed="sdb\n")
    assert (code, err) == (0, "")
    assert "sda" not in out
    assert out.endswith("dev/sdb holds the image: every byte was read back and compared\n")


def test_another_word_writes_nothing(run: Run, folder: Path) -> None:
    before = (folder / "machine/dev/sdb").read_bytes()
    code, _, err = run(IMAGE, "sdb", typed="yes\n")
    assert code == 8
    assert err == "error: 'yes' is not sdb: nothing was written\n  advice: type sdb (or give --yes) to write to it\n"
    assert (folder / "machine/dev/sdb").read_bytes() == before


def test_nobody_to_ask(run: Run) -> None:
    code, _, err = run(IMAGE, "sdb")
    assert (code, err.splitlines()[0]) == (8, "error: there is no terminal to ask for the device's name")
    code, _, err = run("--yes")
    assert (code, err.splitlines()[0]) == (8, "error: no device is named")


def test_json(run: Run, folder: Path) -> None:
    code, out, err = run(IMAGE, "sdb", "--yes", "--json")
    assert (code, err) == (0, "")
    *progress, last = (json.loads(line) for line in out.splitlines())
    assert {one["progress"]["phase"] for one in progress} == {"write", "clear", "compare"}
    done = last["flash"]
    assert (done["size"], done["resumed"]) == (4 * MIB, 0)
    assert done["written"] > 0 and set(done["seconds"]) == {"write", "clear", "compare", "finish"}


def test_a_dry_run_writes_nothing(run: Run, folder: Path) -> None:
    before = (folder / "machine/dev/sdb").read_bytes()
    code, out, _ = run(IMAGE, "sdb", "--yes", "--dry-run")
    assert code == 0
    assert out.splitlines()[-1].startswith("would write 16.0 KiB of out/x86_64-xen/lab.raw to ")
    said = json.loads(run(IMAGE, "sdb", "--yes", "--dry-run", "--json")[1])
    assert said["dry_run"]["write"] == 16384
    assert (folder / "machine/dev/sdb").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            (IMAGE, "sda"),
            "sda holds the running system (/); is a fixed disk (ata), not a removable one",
        ),
        ((IMAGE, "sdz"), "there is no device /dev/sdz"),
        (
            (IMAGE, "sdb", "--identity", "sdb/X"),
            "sdb is not the device that was listed: it was sdb/X",
        ),
        (("none.raw", "sdb"), "cannot use none.raw: No such file or directory"),
        (("out/x86_64-xen/manifest.json", "sdb"), "manifest.json is no image of a disk: it has no partition table"),
    ],
)
def test_refused(words: tuple[str, ...], message: str, run: Run, folder: Path) -> None:
    before = (folder / "machine/dev/sdb").read_bytes()
    code, _, err = run(*words, "--yes")
    assert code in (7, 8)
    assert message in err
    assert (folder / "machine/dev/sdb").read_bytes() == before


def test_an_image_that_was_changed(run: Run, folder: Path) -> None:
    with (folder / "out/x86_64-xen/lab.raw").open("r+b") as file:
        file.seek(MIB)
        file.write(b"!")
    code, _, err = run(IMAGE, "sdb", "--yes")
    assert code == 5
    assert err.startswith("error: out/x86_64-xen/lab.raw is not what was built: its SHA-256 is ")


def test_an_image_of_others(run: Run, folder: Path) -> None:
    (folder / "out/x86_64-xen/lab.raw").rename(folder / "other.raw")
    code, _, err = run("other.raw", "sdb", "--yes")
    assert code == 7
    assert "error: other.raw is not an image that xenbuild built: no manifest.json beside it names it" in err
    assert run("other.raw", "sdb", "--yes", "--foreign")[0] == 0


def test_files_in_place_of_disks(run: Run, folder: Path) -> None:
    image = (folder / "out/x86_64-xen/lab.raw").read_bytes()
    code, _, err = run(IMAGE, "card.img", "--yes")
    assert (code, err.splitlines()[0]) == (8, "error: there is no device /dev/card.img")
    assert run(IMAGE, "card.img", "--file", "--yes")[0] == 0
    assert (folder / "card.img").read_bytes() == image
    old_disk(folder / "card.img", 6 * MIB)
    code, out, _ = run(IMAGE, "card.img", typed="card.img\n")
    assert code == 0, "a file that is there needs no option"
    assert "Type card.img to go on" in out
    assert (folder / "card.img").read_bytes()[: 4 * MIB] == image
    old_disk(folder / "card.img", 2 * MIB)
    code, _, err = run(IMAGE, "card.img", "--yes")
    assert (code, err.splitlines()[0]) == (8, f"error: card.img has {2 * MIB} bytes; the image needs {4 * MIB}")
    code, _, err = run(IMAGE, "out/x86_64-xen/lab.raw", "--yes")
    assert (code, err.splitlines()[0]) == (8, "error: out/x86_64-xen/lab.raw is the image itself")


def test_permission(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from xenbuild.flash import target

    def refuse(path: object, *words: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.undo()
    card = folder / "card.img"
    card.write_bytes(bytes(4 * MIB))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XENBUILD_CACHE", str(folder / "cache"))
    monkeypatch.setattr(target.os, "open", refuse)
    with pytest.raises(target.HostError) as caught:
        Target.open_file(card, 4096)
    assert caught.value.message.startswith(f"no permission to write {card}: it belongs to ")
    assert caught.value.advice.startswith(f"for now: sudo setfacl -m u:$USER:rw {card}")


def test_plain_progress(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Speed and time left are of this phase."""
    clock = iter([100.0, 110.0])
    monkeypatch.setattr(flashing.time, "monotonic", lambda: next(clock))
    with flashing.Flashing() as progress:
        progress("write", 0, 400 * MIB)
        progress("write", 100 * MIB, 400 * MIB)
    assert capsys.readouterr().err == "writing   25 %  100.0 MiB of 400.0 MiB  10.0 MiB/s  0:30 left\n"


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00"), (59.6, "1:00"), (750, "12:30"), (3723, "1:02:03")])
def test_clock(seconds: float, shown: str) -> None:
    assert flashing.clock(seconds) == shown


def test_help(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    for option in ("--list", "--yes", "--fixed-disk", "--foreign", "--file", "--identity", "--dry-run", "--json"):
        assert option in out
    assert flash.command.help
