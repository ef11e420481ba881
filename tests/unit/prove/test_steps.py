"""Steps about guests, screens and power on a fake machine: its shell is the host's, its QMP answers by rote."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from conftest import Judge, step

from xenbuild.errors import ProofFailed
from xenbuild.formats.picture import Picture, read_picture, write_png
from xenbuild.prove import guest as guests
from xenbuild.prove import steps
from xenbuild.prove.screen import fault
from xenbuild.spec.block import Percent
from xenbuild.spec.proof import Color, Shows


@pytest.fixture
def dom0(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for guests' consoles, and toolstack programs that know the guest "web" alone."""
    monkeypatch.setattr(guests, "_READ", guests._READ.replace("/var/log/xen/console", str(tmp_path)))
    programs = {"xl": '[ "$2" = web ] && echo 7', "xenstore-read": f"echo {tmp_path}/tty"}
    for name, text in programs.items():
        file = tmp_path / name
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def test_a_guests_console_is_read_and_consumed(judge: Judge, dom0: Path) -> None:
    (dom0 / "guest-web.log").write_bytes(b"\xff\x00binary\r\none two one\r\n")
    verdict = judge("good", [step(guest="web", expect="one"), step(guest="web", expect="one$")])
    assert verdict.error is None, verdict.headline()
    assert verdict.steps[0].label == "guest web: expect 'one'"
    assert [f.read_bytes() for f in verdict.files] == [b"\xff\x00binary\r\none two one\r\n"]
    verdict = judge("good", [step(guest="web", expect="two"), step(guest="web", expect="two", within=0.5)])
    assert "the console of guest web did not say 'two' in time" in verdict.headline()
    assert verdict.guest and verdict.guest.lines[-1] == "one two one"


def test_reading_a_guest_leaves_the_machines_console_as_it_was(judge: Judge, dom0: Path) -> None:
    (dom0 / "guest-web.log").write_text("up\n")
    verdict = judge("good", [step(guest="web", expect="up"), step(expect="dom0 ready")])
    assert verdict.error is None, verdict.headline()
    verdict = judge("good", [step(guest="web", expect="up"), step(expect="xbg|base64|xb-run|xb-end", within=1.0)])
    assert verdict.error and "did not say" in verdict.error.message


def test_a_long_log_comes_whole(judge: Judge, dom0: Path) -> None:
    text = "".join(f"line {i}\n" for i in range(60000))
    (dom0 / "guest-web.log").write_text(text)
    verdict = judge("good", [step(guest="web", expect="^line 59999$")], timeout=30)
    assert verdict.error is None, verdict.headline()
    assert verdict.files[0].read_text() == text


def test_typing_into_a_guest(judge: Judge, dom0: Path) -> None:
    data = "it's 100% \\ ä\n\t$HOME\n"
    assert judge("good", [step(guest="web", send=data), step(run="true")]).error is None
    assert (dom0 / "tty").read_text() == data
    verdict = judge("good", [step(guest="gone", send="x"), step(run="true")])
    assert "guest gone takes no input: it does not run, or has no console" in verdict.headline()


class Slow(guests.Guest):
    """A guest at which a look takes 2 seconds of the clock; it says what is due then."""

    def __init__(self, log: Path, lines: dict[float, str]) -> None:
        super().__init__("slow", log, [])
        self.clock, self.looks, self.lines = 0.0, 0, lines

    def poll(self, deadline: float) -> bool:
        self.clock, self.looks = self.clock + 2, self.looks + 1
        for due in [due for due in self.lines if due <= self.clock]:
            self._take(self.lines.pop(due).encode() + b"\n")
        return False

    def send(self, data: bytes, deadline: float) -> None:
        raise NotImplementedError

    def rest(self, until: float) -> None:
        self.clock = until


def test_looking_leaves_a_guest_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guest = Slow(tmp_path / "log", {99.0: "up"})
    monkeypatch.setattr(guests.time, "monotonic", lambda: guest.clock)
    assert guest.expect("up", 100.0)
    assert guest.looks <= 11  # not one a second, and one at the end
    with pytest.raises(ProofFailed):
        guest.expect("up", 120.0)
    assert guest.clock < 130


def test_guests_of_xen_speak_on_its_console(judge: Judge) -> None:
    numbers = {"one": 1, "two": 2}
    long = "x" * 40  # more than fits into the guest's serial port at once
    steps = [
        step(guest="two", expect="^guest 2 up$"),
        step(guest="one", expect="^guest 1 up$"),
        step(guest="two", send=f"{long}\n"),
        step(guest="two", expect=f"^heard {long}$"),
    ]
    verdict = judge("xen", steps, numbers=numbers, timeout=30)
    assert verdict.error is None, verdict.headline()
    assert [f.read_text() for f in verdict.files] == [f"guest 2 up\nheard {long}\n", "guest 1 up\n"]
    again = [step(guest="one", expect="guest 1 up"), step(guest="one", expect="guest 1 up", within=0.5)]
    verdict = judge("xen", again, numbers=numbers)
    assert "the console of guest one did not say 'guest 1 up' in time" in verdict.headline()
    verdict = judge("xen", [step(guest="three", send="x")], numbers={"three": 3}, timeout=30)
    assert "Xen does not switch its input to guest three" in verdict.headline()
    assert verdict.error and verdict.error.advice.startswith("it offers DOM1, DOM2, Xen, DOM0")


def test_guests_of_a_unikernel_speak_on_its_console(judge: Judge) -> None:
    steps = [
        step(guest="web", expect="^up$"),
        step(guest="web", expect="^and about$"),
        step(guest="web", send="x" * 40),
        step(guest="web", expect="^heard x{8}$"),
    ]
    verdict = judge("unikernel", steps, unikernel=True)
    assert verdict.error is None, verdict.headline()
    assert verdict.files[0].read_text() == f"up\nand about\nheard {'x' * 32}\nheard {'x' * 8}\n"


def test_retry_until_it_is_so(judge: Judge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "_PAUSE", 0.1)
    count = f"echo x >>{tmp_path}/n; [ $(wc -l <{tmp_path}/n) = 3 ]"
    assert judge("good", [step(run=count, retry=True)]).error is None
    monkeypatch.setattr(steps, "_PAUSE", 100)  # for another try there is no time
    verdict = judge("good", [step(run="false", retry=True, within=30.0)], timeout=30)
    assert verdict.error and verdict.error.message == "the command ended with status 1 instead of 0, in 1 tries"


def test_power(judge: Judge) -> None:
    asleep = [step(run="true"), step(machine="suspend"), step(machine="wake"), step(run="true")]
    assert judge("good", asleep).error is None
    off = [step(run="true"), step(machine="power-button"), step(expect="Power down"), step(machine="switched-off")]
    assert judge("good", off).error is None
    verdict = judge("good", [step(machine="switched-off", within=1.0)])
    assert verdict.error and verdict.error.message == "the machine did not switch itself off in time"
    verdict = judge("good", [step(machine="reset")])
    assert isinstance(verdict.error, ProofFailed)
    assert verdict.error.message == "QEMU refused: no such action"


def red(share: float) -> Shows:
    return Shows(colors=[Color(color="#f80000", share=Percent(share))])


def test_a_screenshot(judge: Judge) -> None:
    assert judge("good", [step(run="true"), step(screenshot="a.png", shows=red(75))]).error is None
    verdict = judge("good", [step(screenshot="a.png", shows=red(76), within=1.0)])
    assert "75.00% of the screen are #f80000, where 76% must be" in verdict.headline()
    assert verdict.files[0].name == "boot.a.png"
    assert read_picture(verdict.files[0].read_bytes()) == Picture(2, 2, b"\xff\0\0" * 3 + b"\0\0\0")
    assert not list(verdict.files[0].parent.glob("*.ppm"))


def test_a_picture_like_another(judge: Judge, tmp_path: Path) -> None:
    like = Picture(2, 2, b"\xff\0\0" * 4)
    (tmp_path / "like.png").write_bytes(write_png(like))
    shows = Shows(like=tmp_path / "like.png", difference=Percent(25))
    assert judge("good", [step(run="true"), step(screenshot="a.png", shows=shows)]).error is None
    shows.difference = Percent(24)
    other = Picture(2, 2, b"\xff\0\0" * 3 + b"\0\0\0")
    assert fault(other, shows, like) == "25.00% of the screen differ, where 24% may"
    assert fault(Picture(1, 1, b"\0\0\0"), shows, like) == "the screen has 1x1 pixels instead of 2x2"
