from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest

from xenbuild.prove.probe import KvmProbe, rom, runs_guest_code
from xenbuild.spec.recipe import Board, load_recipe

X86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="KVM boards are x86_64")


def program(body: str) -> list[str]:
    return [sys.executable, "-c", body]


def test_the_rom_starts_at_the_reset_vector() -> None:
    image = rom()
    assert len(image) == 0x10000
    assert image[0xFFF0] == 0xE9
    assert (0xFFF3 + int.from_bytes(image[0xFFF1:0xFFF3], "little")) & 0xFFFF == 0x100
    assert image[0x1CE : 0x1CE + 18] == b"xenbuild-kvm-works"


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("print('xenbuild-kvm-works', flush=True); import signal; signal.pause()", True),
        ("import signal; signal.pause()", False),
        ("import os; os.abort()", False),
        ("raise SystemExit(0)", False),
        ("print('xenbuild-kvm', flush=True)", False),
    ],
)
def test_only_the_word_counts(body: str, answer: bool) -> None:
    assert runs_guest_code(program(body), deadline=5 if answer else 0.5) is answer


def test_a_missing_program_is_no_kvm() -> None:
    assert runs_guest_code(["/nonexistent"]) is False


@X86
def test_the_answer_is_kept(tmp_path: Path) -> None:
    board = load_recipe(Board, "qemu-x86_64")
    count = tmp_path / "count"
    body = f"open({str(count)!r}, 'a').write('x'); print('xenbuild-kvm-works', flush=True)"
    device = tmp_path / "kvm"
    device.touch()
    for _ in range(3):
        assert KvmProbe(tmp_path, device).usable(board, lambda name: program(body))
    assert count.read_text() == "x"
    (tmp_path / "kvm-probe.json").write_text("[")
    assert KvmProbe(tmp_path, device).usable(board, lambda name: program(body))
    assert count.read_text() == "xx"


@X86
@pytest.mark.parametrize(("name", "exists"), [("qemu-x86_64", False), ("qemu-arm64", True)])
def test_nothing_is_run_where_kvm_cannot_be(tmp_path: Path, name: str, exists: bool) -> None:
    device = tmp_path / "kvm"
    if exists:
        device.touch()

    def never(name: str) -> list[str]:
        raise AssertionError(name)

    assert not KvmProbe(tmp_path, device).usable(load_recipe(Board, name), never)
