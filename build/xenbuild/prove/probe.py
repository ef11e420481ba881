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
_START, _GDT, _TEXT = 0x100, 0x1A8, 0x1CE  # offsets in the ROM, whose copy below 1 MiB begins at 0xF0000
_CODE = (
    ("fa fc", "cli; cld"),
    ("2e 66 0f 01 16 c8 01", "lgdtl %cs:0x1c8"),
    ("0f 20 c0 0c 01 0f 22 c0", "cr0 |= PE"),
    ("66 ea 19 01 0f 00 08 00", "ljmpl $8, $0xf0119"),
    ("66 b8 10 00 8e d8 8e c0 8e d0", "f0119: ds = es = ss = 16"),
    ("bc 00 80 00 00", "mov $0x8000, %esp"),
    ("bf 00 10 00 00 0f 22 df", "cr3 = edi = 0x1000"),
    ("31 c0 b9 00 0c 00 00 f3 ab", "clear three page tables"),
    ("c7 05 00 10 00 00 03 20 00 00", "PML4[0] = 0x2000, present, writable"),
    ("c7 05 00 20 00 00 03 30 00 00", "PDPT[0] = 0x3000, present, writable"),
    ("c7 05 00 30 00 00 83 00 00 00", "PD[0] = 0, present, writable, 2 MiB"),
    ("b8 20 00 00 00 0f 22 e0", "cr4 = PAE"),
    ("b9 80 00 00 c0 0f 32 80 cc 01 0f 30", "EFER |= LME"),
    ("0f 20 c0 0d 00 00 00 80 0f 22 c0", "cr0 |= PG"),
    ("ea 7d 01 0f 00 18 00", "ljmp $24, $0xf017d"),
    ("31 c0 0f a2", "f017d: cpuid, which leaves the guest"),
    ("50 58", "push %rax; pop %rax"),
    ("be 01 00 00 00 f3 48 0f 1e ce", "mov $1, %esi; rdsspq %rsi, a NOP without shadow stacks"),
    ("be ce 01 0f 00 b9 12 00 00 00", "rsi = the word, ecx = its length"),
    ("ac e6 e9 e2 fb", "1: lodsb; out %al, $0xe9; loop 1b"),
    ("b0 0a e6 e9", "mov $'\\n', %al; out %al, $0xe9"),
    ("f4 eb fd", "2: hlt; jmp 2b"),
)
_TABLE = bytes.fromhex(
    "0000000000000000 ffff0000009bcf00 ffff00000093cf00 ffff0000009baf00"  # null, 32-bit code, data, 64-bit code
    "1f00 a8010f00"  # limit and address for lgdt
)
_HOST_ARCH = {"x86_64": ("x86_64", "ia32")}  # platform.machine() -> architectures that its KVM runs


def rom() -> bytes:
    """64 KiB of code that enters long mode with paging, says the word on the debug port, and halts.

    It does what a hypervisor's start does: a KVM that emulates instructions (one inside a virtual machine without
    nested hardware support) runs real mode well and fails on a hint NOP in long mode. Encodings: Intel SDM, volume 2.
    """
    image = bytearray(b"\xf4" * _ROM_SIZE)
    code = b"".join(bytes.fromhex(encoding) for encoding, _ in _CODE)
    image[_START : _START + len(code)] = code
    image[_GDT : _GDT + len(_TABLE)] = _TABLE
    image[_TEXT : _TEXT + len(_WORD)] = _WORD
    reset = _ROM_SIZE - 16
    image[reset : reset + 3] = b"\xe9" + ((_START - (reset + 3)) & 0xFFFF).to_bytes(2, "little")  # jmp start
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
