"""The bench's own parts: what is judged, failing commands, and the words that hand parts to QEMU."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[3] / "scripts" / "bench"


@pytest.fixture(autouse=True)
def bench_modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make scripts/bench importable for one test; its module names are too common to stay."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(BENCH))
    yield
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in {path.stem for path in BENCH.iterdir()}:
            del sys.modules[name]


def test_medians_are_judged() -> None:
    from measure import Cost, Terms

    ours = [Cost(wall, 2.0) for wall in (1.4, 99.0, 1.2)]
    floor = [Cost(wall, 1.0) for wall in (1.0, 0.1, 50.0)]
    row = Terms(3).ratio("a row", ours, floor, 1.3, "the baseline")
    assert row.value == pytest.approx(1.4)
    assert row.missed
    assert " 1.40x  <= 1.30x    MISSED " in str(row)
    assert "1.40 s against 1.00 s of the baseline; processor time 2.00x; n=3" in str(row)
    assert Terms(3, by_cpu=True).ratio("a row", ours, floor, 1.3, "the baseline").value == pytest.approx(2.0)


def test_a_goal_that_is_just_reached_is_reached() -> None:
    from measure import Row

    assert not Row("r", 0.6, "s", 0.6, "").missed
    assert Row("r", 0.6001, "s", 0.6, "").missed
    assert not Row("r", 99.0, "x", None, "").missed


def test_rounds_alternate() -> None:
    from measure import Cost, alternate

    said: list[str] = []

    def way(name: str) -> Cost:
        said.append(name)
        return Cost(1.0, 1.0)

    costs = alternate(2, lambda: way("floor"), lambda: way("ours"))
    assert said == ["floor", "ours", "floor", "ours"]
    assert [len(found) for found in costs] == [2, 2]


def test_time_and_memory_of_children_count(tmp_path: Path) -> None:
    from measure import spend

    ballast = bytes(range(256)) * (300 << 12)  # of this process, which a forked child shares at first
    waste = "import time\nx = bytes(range(256)) * (64 << 12)\nwhile time.process_time() < 0.2: pass"
    cost = spend(["sh", "-c", '"$0" -c "$1"; true', sys.executable, waste], tmp_path)
    assert cost.wall >= 0.2 and cost.cpu >= 0.2
    assert 64 < cost.peak < 256 < len(ballast) >> 20


def test_a_failing_command_is_no_measurement(tmp_path: Path) -> None:
    from measure import Unavailable, spend

    with pytest.raises(Unavailable, match=r"^sh ended with 3: what went wrong$"):
        spend(["sh", "-c", "echo what went wrong >&2; exit 3"], tmp_path)
    with pytest.raises(Unavailable, match=r"^nowhere ended with 127: .*No such file or directory: '/nowhere'$"):
        spend(["/nowhere"], tmp_path)


def test_memory_of_a_session_is_watched(tmp_path: Path) -> None:
    from measure import MemorySum, spend

    total = MemorySum()
    waste = "import os, time; x = bytes(range(256)) * (64 << 12); "
    one = waste + "open('up', 'w').close(); time.sleep(600)"
    other = waste + "\nwhile not os.path.exists('up'): time.sleep(0.1)\ntime.sleep(2)"
    script = '"$0" -c "$1" & "$0" -c "$2"; kill $!'
    spend(["sh", "-c", script, sys.executable, one, other], tmp_path, watch=total.watch)
    assert 128 < total.peak < 256


def test_the_plain_script_fails_with_its_commands(tmp_path: Path) -> None:
    from measure import Unavailable, spend

    (tmp_path / "x.deb").write_bytes(b"no package")
    with pytest.raises(Unavailable, match=r"^plain\.sh ended with "):
        spend([str(BENCH / "plain.sh"), str(tmp_path / "out"), str(tmp_path / "x.deb")], tmp_path)


def test_parts_become_words_for_qemu(tmp_path: Path) -> None:
    from boot import separate
    from measure import Unavailable

    contents = {"xen": b"hypervisor", "kernel": b"Linux", "initramfs": b"cpio"}
    words = {"xen": "dom0_mem=512M,max:512M", "kernel": "console=hvc0,a=b", "initramfs": ""}
    bundle, parts = b"loader", []
    for name, data in contents.items():
        digest = hashlib.sha256(data).hexdigest()
        part = {"name": name, "offset": len(bundle), "size": len(data), "sha256": digest, "cmdline": words[name]}
        parts.append(part)
        bundle += data
    file = tmp_path / "b.elf"
    file.write_bytes(bundle)
    xen, kernel, initramfs = (tmp_path / f"part-{name}" for name in contents)
    modules = f"{kernel} console=hvc0,,a=b,{initramfs}"
    assert separate(file, parts, tmp_path) == [str(xen), "-append", "dom0_mem=512M,max:512M", "-initrd", modules]
    assert [xen.read_bytes(), kernel.read_bytes(), initramfs.read_bytes()] == list(contents.values())
    file.write_bytes(b"\0" * len(bundle))
    with pytest.raises(Unavailable, match=r"^b\.elf does not hold what its manifest says of xen$"):
        separate(file, parts, tmp_path)


def test_a_machine_that_never_gets_ready(tmp_path: Path) -> None:
    from boot import boot
    from measure import Unavailable

    with pytest.raises(Unavailable, match=r"last line: Panic on CPU 0$"):
        boot(["sh", "-c", "echo Xen; echo Panic on CPU 0"])
    assert boot(["sh", "-c", "echo xenbuild: dom0 ready; exec sleep 100"]).wall < 50


def test_a_command_in_dom0_is_timed_line_by_line(tmp_path: Path) -> None:
    from guests import carried, per_second, talk
    from measure import Unavailable

    dom0 = "echo xenbuild: dom0 ready; read command; sleep 0.3; echo $command: done; echo bench: end; exec sleep 100"
    lines = talk(["sh", "-c", dom0], tmp_path, "measure 3")
    assert [text for _, text in lines] == ["xenbuild: dom0 ready", "measure 3: done", "bench: end"]
    assert 0.2 < lines[1][0] - lines[0][0] < 20
    with pytest.raises(Unavailable, match=r"last line: Panic on CPU 0$"):
        talk(["sh", "-c", "echo Panic on CPU 0"], tmp_path, "measure")
    said = ["bench: pv disk 1000 bytes in 50 hundredths", "sda: 7 bytes in", "bench: b net 5 bytes in 0 hundredths"]
    assert [per_second(rate) for rate in (5000, 50000, 5e6, 5e8)] == ["4.9 KiB/s", "49 KiB/s", "4.8 MiB/s", "477 MiB/s"]
    assert carried(said) == {("pv", "disk"): 2000.0, ("b", "net"): 500.0}


FAKES = """
now() { cat at; }
card() { :; }
use_card() { :; }
carry_disk() { [ "$disk" = /dev/xvda ] && set -- 0 $(($2 / 2)); echo $(($(cat at) + 20 * $2)) >at; }
carry_net() { echo $(($(cat at) + 100 * $2)) >at; }
"""


def test_a_device_is_measured_within_seconds(tmp_path: Path) -> None:
    """bench-measure with a clock that its own carrying moves: 0.1 s a piece of the disk, 1 s one of the network."""
    text = (BENCH / "machines" / "devices" / "bench-measure").read_text()
    script = text.replace("\npv=$(card", f"{FAKES}\npv=$(card", 1)
    (tmp_path / "at").write_text("1000\n")
    said = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == [
        "bench: pv disk 4194304 bytes in 320 hundredths",
        "bench: emulated disk 2097152 bytes in 320 hundredths",
        "bench: pv net 131072 bytes in 400 hundredths",
        "bench: emulated net 131072 bytes in 400 hundredths",
        "bench: done",
    ]


def test_lines_are_read_until_one_ends_it(tmp_path: Path) -> None:
    from listen import listen
    from measure import Unavailable

    cost, lines = listen(["sh", "-c", "echo one; echo two; exec sleep 100"], tmp_path, lambda line: line == "two")
    assert lines == ["one", "two"] and cost.wall < 50
    with pytest.raises(Unavailable, match=r"last line: Panic on CPU 0$"):
        listen(["sh", "-c", "echo Panic on CPU 0"], tmp_path, lambda line: line == "two")


def test_counts_and_guests_are_read_from_a_console() -> None:
    from hvkernel.rows import _seen, figures

    said = ["(HV) 1 CPUs run", "dom0> [bench] bench: grant copy 4 KiB 1518.0", "bench: event failed 3 times"]
    assert figures([*said, "[bench] bench: end"]) == {"grant copy 4 KiB": 1518.0}
    missing = {"[clock] ", "[echo] "}
    assert not _seen("dom0> [clock] clock: second 0", missing) and not _seen("[clock] again", missing)
    assert _seen("[echo] echo: here", missing)


def test_results_of_compilers_are_forgotten_and_tools_kept(tmp_path: Path) -> None:
    from xenbuild.plan.action import Action, encode_action
    from xenbuild.store.digest import Digest
    from xenbuild.store.store import Store

    keys = {}
    with Store(tmp_path) as store:
        for function in (
            "xenbuild.parts.objects:compile",
            "xenbuild.parts.toolstree:merge",
            "xenbuild.parts.unpack:run",
        ):
            key, messages = encode_action(Action("a step", function, {}), {}, Digest.of(b"code"))
            for message in messages.values():
                store.put_bytes(message)
            keys[function] = tmp_path / "ac" / key.hash[:2] / key.hash
            keys[function].parent.mkdir(exist_ok=True)
            keys[function].touch()
    code = str(BENCH.parents[1] / "build")
    said = subprocess.check_output([sys.executable, "-I", str(BENCH / "forget.py"), code, str(tmp_path)], text=True)
    assert said == "1\n"
    there = [function.rpartition(".")[2] for function, path in keys.items() if path.exists()]
    assert there == ["toolstree:merge", "unpack:run"]
