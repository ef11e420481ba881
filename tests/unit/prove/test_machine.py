from __future__ import annotations

from pathlib import Path

import pytest

from xenbuild.errors import HostError
from xenbuild.prove.machine import INTERACTIVE, Start, loader_words, qemu_argv
from xenbuild.spec.block import Size
from xenbuild.spec.proof import Machine
from xenbuild.spec.recipe import Board, load_recipe


def programs(name: str) -> list[str]:
    return ["/tools/ld.so", name]


@pytest.mark.parametrize(
    ("words", "nonce", "line"),
    [
        ([], "", ""),
        (["loglvl=all"], "", "loglvl=all"),
        ([], "ab", "-- xenbuild.nonce=ab"),
        (["loglvl=all"], "ab", "loglvl=all -- xenbuild.nonce=ab"),
        (["loglvl=all", "--", "quiet"], "ab", "loglvl=all -- quiet xenbuild.nonce=ab"),
    ],
)
def test_words_for_dom0_follow_the_separator(words: list[str], nonce: str, line: str) -> None:
    assert " ".join(loader_words(words, nonce)) == line


def test_the_whole_line() -> None:
    board = load_recipe(Board, "qemu-arm64")
    argv = qemu_argv(board, Machine(), Start(Path("out/a.img")), programs=programs, words=["--", "x"], extra=["-s"])
    assert " ".join(argv) == (
        "/tools/ld.so qemu-system-aarch64 -accel tcg -machine virt,virtualization=on,gic-version=3 -cpu cortex-a57 "
        "-m 2048M -smp 2 -display none -no-reboot -serial stdio -monitor none -nic none -kernel out/a.img "
        "-append -- x -s"
    )


def test_the_declaration_changes_the_board() -> None:
    board = load_recipe(Board, "qemu-x86_64")
    machine = Machine(memory=Size((2 << 30) + 1), cpus=2, cpu="max", arguments=["-device", "amd-iommu"])
    argv = qemu_argv(board, machine, Start(Path("a.elf")), programs=programs, kvm=True, console=INTERACTIVE)
    line = " ".join(argv)
    assert "-accel kvm -machine q35 -cpu max -m 2049M -smp 2 " in line
    assert "-serial mon:stdio -nic none -device amd-iommu -kernel a.elf" in line
    assert "-append" not in argv


def test_kvm_takes_the_hosts_processor() -> None:
    argv = qemu_argv(load_recipe(Board, "qemu-x86_64"), Machine(), Start(Path("a")), programs=programs, kvm=True)
    assert argv[argv.index("-cpu") + 1] == "host"


def test_a_blank_in_the_path_is_refused() -> None:
    with pytest.raises(HostError) as caught:
        qemu_argv(load_recipe(Board, "qemu-x86_64"), Machine(), Start(Path("my out/a.elf")), programs=programs)
    assert caught.value.message == "the path of the image has a blank in it: my out/a.elf"
