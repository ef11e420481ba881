"""Whether KVM works here, by running guest code.

/dev/kvm may exist, open and even create a virtual machine, and still hang a guest or abort QEMU. So a tiny ROM
of ours runs under KVM and has to say a word; only the word counts, not QEMU's exit status.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from xenbuild.errors import XenbuildError
from xenbuild.prove.console import Console
from xenbuild.prove.machine import Programs

if TYPE_CHECKING:
    from xenbuild.spec.recipe import Board

_WORD = b"xenbuild-kvm-works"
_DEADLINE = 3.0  # seconds; a working KVM needs a tenth of one
_ROM_SIZE = 0x10000  # QEMU maps it below 1 MiB and below 4 GiB; the processor starts at its last 16 bytes
_DEBUG_PORT = 0xE9  # isa-debugcon
_HOST_ARCH = {"x86_64": ("x86_64", "ia32")}  # platform.machine() -> architectures that its KVM runs


def rom() -> bytes:
    """64 KiB of real-mode code that writes the word to the debug port, reads CPUID, writes a line end, and halts.

    8086 and i386 encodings from the Intel SDM, volume 2. CPUID leaves the guest under SVM and VMX alike.
    """
    start = 0x0100
    text = start + 0x80
    code = bytes.fromhex("fafc")  # cli; cld
    code += b"\xbe" + text.to_bytes(2, "little")  # mov si, text
    code += b"\xb9" + len(_WORD).to_bytes(2, "little")  # mov cx, length
    code += bytes.fromhex("2eac") + bytes([0xE6, _DEBUG_PORT])  # again: cs lodsb; out port, al
    code += bytes.fromhex("e2fa")  # loop again
    code += bytes.fromhex("31c00fa2")  # xor ax, ax; cpuid
    code += b"\xb0\x0a" + bytes([0xE6, _DEBUG_PORT])  # mov al, '\n'; out port, al
    code += bytes.fromhex("f4ebfd")  # halt: hlt; jmp halt
    image = bytearray(b"\xf4" * _ROM_SIZE)
    image[start : start + len(code)] = code
    image[text : text + len(_WORD)] = _WORD
    reset = _ROM_SIZE - 16
    image[reset : reset + 3] = b"\xe9" + ((start - (reset + 3)) & 0xFFFF).to_bytes(2, "little")  # jmp start
    return bytes(image)


def probe_argv(program: list[str], image: Path, accelerator: str = "kvm") -> list[str]:
    """QEMU with nothing but a processor, the ROM and the debug port on its standard output."""
    machine = ["-machine", "pc", "-nodefaults", "-m", "16M", "-display", "none", "-no-reboot"]
    port = ["-chardev", "stdio,id=out", "-device", f"isa-debugcon,iobase={_DEBUG_PORT:#x},chardev=out"]
    return [*program, "-accel", accelerator, *machine, *port, "-bios", str(image)]


def runs_guest_code(program: list[str], accelerator: str = "kvm", deadline: float = _DEADLINE) -> bool:
    """Whether the ROM says its word within `deadline` seconds."""
    with tempfile.TemporaryDirectory(prefix="xenbuild-probe-") as folder:
        image = Path(folder) / "probe.rom"
        image.write_bytes(rom())
        try:
            with Console(probe_argv(program, image, accelerator), log=Path(folder) / "log") as console:
                console.expect(_WORD.decode() + "\n", time.monotonic() + deadline)
        except XenbuildError:
            return False
    return True


class KvmProbe:
    """Answers once a boot of the host and QEMU program; the answer is kept in `folder`."""

    def __init__(self, folder: Path, device: Path = Path("/dev/kvm")) -> None:
        self._file = folder / "kvm-probe.json"
        self._device = device
        self._lock = threading.Lock()

    def usable(self, board: Board, programs: Programs) -> bool:
        """Whether `board` may run under KVM here."""
        if not board.kvm or board.arch not in _HOST_ARCH.get(platform.machine(), ()):
            return False
        if not os.access(self._device, os.R_OK | os.W_OK):
            return False
        program = programs(board.qemu)
        key = {"boot": _boot_id(), "program": program}
        with self._lock:
            known = self._read()
            if known.get("key") == key:
                return known.get("usable") is True
            answer = runs_guest_code(program)
            self._write({"key": key, "usable": answer})
            return answer

    def _read(self) -> dict[str, object]:
        try:
            known = json.loads(self._file.read_bytes())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def _write(self, answer: dict[str, object]) -> None:
        """A cache that cannot be written only costs time."""
        with contextlib.suppress(OSError):
            new = self._file.with_suffix(f".{os.getpid()}")
            new.write_text(json.dumps(answer))
            new.replace(self._file)


def _boot_id() -> str:
    """Linux's random name of this boot (random(4)); empty elsewhere."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
