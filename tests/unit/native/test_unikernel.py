"""C of the unikernels that knows nothing of Xen, compiled for this machine under the address and UB sanitizers."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from xenbuild.formats.cpio import CpioEntry, write
from xenbuild.formats.elfwrite import Piece, write_elf

TOP = Path(__file__).parents[3]
HERE = Path(__file__).parent / "c"
DOM0, PV = TOP / "dom0-image/unikernel", TOP / "pv-drivers"
FOLDERS = [
    HERE,
    DOM0,
    DOM0 / "xenstore",
    DOM0 / "screen",
    PV / "base",
    PV / "base/arch/x86",
    PV / "base/arch/x86_64",
    PV / "drivers",
    PV / "net",
]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
STORE = [DOM0 / f"xenstore/{name}.c" for name in ("tree", "store", "nodes", "watch", "transaction")]
STORE.append(PV / "drivers/xs_wire.c")
SETTINGS = (
    "guest one\nmemory 8192\nkernel one/kernel\ncmdline a=b\ndisk xvda rw size 4096\ndisk xvdb ro hardware vda\n"
    "nic 00:16:3e:00:00:01\nguest two\nvcpus 2\nweight 100\ncap 50\nmemory 4096\nkernel k\nafter one\nautostart yes\n"
)

Run = Callable[..., None]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Compile a test with some of our sources and run it; it prints what is wrong."""
    compiler = shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler is installed")

    def call(name: str, sources: list[Path], *arguments: str | Path, flags: tuple[str, ...] = ()) -> None:
        program = tmp_path / name
        include = [f"-I{folder}" for folder in FOLDERS]
        argv = [compiler, "-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", *SANITIZERS, *include, *flags]
        made = subprocess.run(
            [*argv, HERE / f"{name}.c", *sources, "-o", program], capture_output=True, text=True, check=False
        )
        if "cannot find" in made.stderr and "san" in made.stderr:
            pytest.skip("the compiler has no sanitizers")
        assert made.returncode == 0, made.stderr
        done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]

    return call


def test_xenstore_follows_its_rules(run: Run) -> None:
    run("store_rules", STORE)


@pytest.mark.parametrize("seed", ["1", "2"])
def test_xenstore_survives_random_requests_and_want_of_memory(run: Run, seed: str) -> None:
    run("store_random", STORE, seed, flags=("-Wl,--wrap=malloc,--wrap=calloc",))


def test_ring_loses_nothing_and_wakes_whom_it_must(run: Run) -> None:
    run("ring_order", [PV / "drivers/ring.c"], "3")


def test_screen_and_keyboard_take_anything(run: Run) -> None:
    run("screen_random", [DOM0 / f"screen/{name}.c" for name in ("text", "keys", "font")], "7")


def test_network_answers_and_survives_random_frames(run: Run) -> None:
    sources = [PV / "net/ip.c", PV / "net/tcp.c", PV / "drivers/offload.c"]
    run("network_random", sources, "4")


def test_parsers_survive_damaged_files(run: Run, tmp_path: Path) -> None:
    entries = [CpioEntry("guests.conf", 0o100644, SETTINGS.encode()), CpioEntry("one/kernel", 0o100644, b"k" * 99)]
    archive, kernel, settings = (tmp_path / name for name in ("archive", "kernel", "settings"))
    archive.write_bytes(b"".join(write(entries)))
    notes = bytes.fromhex("04000000 08000000 05000000 58656e00 78656e2d332e3000")  # XEN_VERSION xen-3.0
    with kernel.open("wb") as out:
        write_elf(
            out,
            [Piece(".text", notes + b"c" * 4000, 0x100000, 0x3000, executable=True)],
            entry=0x100000,
            note=(0x100000, 24),
        )
    settings.write_text(SETTINGS)
    run("parsers_random", [DOM0 / "archive.c", DOM0 / "config.c", DOM0 / "image.c", PV / "drivers/nic.c"], "5",
        archive, kernel, settings)  # fmt: skip


def test_libc_does_what_the_hosts_does(run: Run, tmp_path: Path) -> None:
    names = (
        "memcpy",
        "memmove",
        "memset",
        "memcmp",
        "memchr",
        "strlen",
        "strnlen",
        "strcmp",
        "strncmp",
        "strchr",
        "strrchr",
        "strstr",
        "strcspn",
        "strspn",
        "strdup",
        "strtoull",
        "strtoul",
        "snprintf",
        "vsnprintf",
    )
    prefix = "".join(f"#define {name} own_{name}\n" for name in names)
    for header in ("string.h", "stdlib.h", "stdio.h"):  # found beside the sources, before the host's
        (tmp_path / header).write_text((PV / "base/libc" / header).read_text())
    sources = [PV / "base/arch/ia32/div64.c"]
    for name in ("string.c", "printf.c"):
        sources.append(tmp_path / name)
        sources[-1].write_text(prefix + (PV / "base/libc" / name).read_text())
    division = tuple(f"-D__{name}=own_{name}" for name in ("udivmoddi4", "udivdi3", "umoddi3", "divdi3", "moddi3"))
    run("libc_same", sources, "6", flags=("-fno-builtin", *division))
