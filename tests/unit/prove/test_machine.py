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


@pytest.mark.parametrize(
    ("attach", "device"),
    [
        ("disk", "-device virtio-blk-pci,drive=image,bootindex=0"),
        ("usb", "-device qemu-xhci,id=usb -device usb-storage,bus=usb.0,drive=image,bootindex=0"),
        ("cdrom", "-device virtio-scsi-pci,id=scsi -device scsi-cd,bus=scsi.0,drive=image,bootindex=0"),
    ],
)
def test_a_medium_is_attached_as_hardware_would_have_it(attach: str, device: str) -> None:
    """Words go where the firmware keeps strings: there is no -kernel whose command line they could be on."""
    start = Start(Path("my out/a,b.raw"), attach, firmware=["-bios", "x"], machine="smm=on")
    words = loader_words(["loglvl=all"], "ab")
    argv = qemu_argv(load_recipe(Board, "qemu-x86_64"), Machine(), start, programs=programs, words=words)
    line = " ".join(argv)
    options = "media=cdrom,readonly=on" if attach == "cdrom" else "snapshot=on"
    assert f"-bios x -drive if=none,id=image,format=raw,{options},file=my out/a,,b.raw {device}" in line
    assert line.endswith("-smbios type=11,value=xenbuild.words=loglvl=all -- xenbuild.nonce=ab")
    assert "-machine q35,smm=on " in line and "-kernel" not in argv


def test_commas_in_words_reach_the_machine() -> None:
    words = ["com1=115200,8n1"]
    board = load_recipe(Board, "qemu-x86_64")
    argv = qemu_argv(board, Machine(), Start(Path("a"), "disk"), programs=programs, words=words)
    assert argv[-1] == "type=11,value=xenbuild.words=com1=115200,,8n1"


def test_a_medium_without_words_needs_no_string() -> None:
    argv = qemu_argv(load_recipe(Board, "qemu-x86_64"), Machine(), Start(Path("a"), "disk"), programs=programs)
    assert "-smbios" not in argv
