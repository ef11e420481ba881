"""The boot menu: the words of the declaration are where they belong, and GRUB finds each part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from xenbuild.compose.manifest import Manifest, Part
from xenbuild.media import menu
from xenbuild.parts.templates import source

TOP = Path(__file__).parents[3]
PARTS = (
    Part("xen", "hypervisor", 1000, "", 0, 8192),
    Part("kernel", "kernel", 512, "", 0, 12288),
    Part("initramfs", "initramfs", 513, "", 0, 16384),
)


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["console=com1  loglvl=all", "noreboot"], ["console=com1", "loglvl=all", "noreboot"]),
        (['dyndbg="file a.c +p" quiet'], ['dyndbg="file a.c +p"', "quiet"]),
        ([], []),
    ],
)
def test_words(texts: list[str], found: list[str]) -> None:
    assert menu.words(*texts) == found


def entry(title: str, hypervisor: list[str], dom0: list[str]) -> dict[str, Any]:
    return {
        "id": title,
        "title": title,
        "hypervisor": ["console=com1", "loglvl=all", *hypervisor],
        "dom0": ["console=hvc0", *dom0],
        "more": {"hypervisor": hypervisor, "dom0": dom0},
        "words": [],
    }


def params(**changes: Any) -> dict[str, Any]:
    return {
        "name": "lab",
        "arch": "x86_64",
        "timeout": 0,
        "default": 0,
        "consoles": ["serial", "vga"],
        "entries": [entry("lab", [], [])],
        "slots": False,
        "slot": "",
        **changes,
    }


def rendered(*, policy: bool = False, **changes: Any) -> list[str]:
    template, given = source("grub.cfg", TOP), params(**changes)
    parts = [*PARTS, *([Part("xsm_policy", "xsm policy", 5, "", 0, 20480)] if policy else [])]
    if given["arch"] == "x86_64":
        places = menu.in_bundle(Manifest("x86_64/xen", tuple(parts)))
        text = menu.grub(template, given, "/xenbuild/bundle.elf", places, loopback=True)
    else:
        text = menu.grub(template, given, "", {part.name: f"/xenbuild/{part.name}" for part in parts}, loopback=False)
    return [" ".join(line.split()) for line in text.splitlines()]


def test_parts_are_sectors_of_the_bundle() -> None:
    lines = rendered()
    assert 'loopback bundle "/xenbuild/bundle.elf"' in lines
    assert 'multiboot2 "(bundle)16+2" console=com1 loglvl=all $more' in lines
    assert 'module2 "(bundle)24+1" console=hvc0 $more_dom0' in lines
    assert 'module2 --nounzip "(bundle)32+2"' in lines
    assert 'multiboot2 "/xenbuild/bundle.elf" $more -- $more_dom0' in lines


def test_parts_are_files_beside_the_menu() -> None:
    """As in a tree for the network."""
    places = {name: f"$prefix/efi/{name}" for name in ("xen", "kernel", "initramfs")}
    text = menu.grub(source("grub.cfg", TOP), params(), "$prefix/lab.elf", places, loopback=False)
    assert 'multiboot2 "$prefix/efi/xen" console=com1' in text and "loopback" not in text
    assert 'multiboot2 "$prefix/lab.elf"' in text


def test_a_hypervisor_that_is_no_uefi_application_is_started_from_the_bundle_alone() -> None:
    text = menu.grub(source("grub.cfg", TOP), params(), "/xenbuild/bundle.elf", {}, loopback=False)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines.count('multiboot2 "/xenbuild/bundle.elf" $more -- $more_dom0') == 1
    assert not any("module2" in line or "efi" in line for line in lines)


def test_lines_of_the_menu_have_words_of_their_own() -> None:
    more = entry("it's {rescue}", ["noreboot"], ["single"])
    lines = rendered(entries=[entry("lab", [], []), more], timeout=5, default=1)
    assert lines.count("menuentry lab {") == 1
    assert lines.count(r"menuentry 'it'\''s {rescue}' {") == 1
    assert 'multiboot2 "/xenbuild/bundle.elf" noreboot $more -- single $more_dom0' in lines
    assert 'multiboot2 "(bundle)16+2" console=com1 loglvl=all noreboot $more' in lines
    assert {"set timeout=5", "set timeout_style=menu", "set default=1"} <= set(lines)


@pytest.mark.parametrize(
    ("consoles", "terminal"),
    [(["serial", "vga"], "serial console"), (["serial"], "serial"), (["vga"], "")],
)
def test_consoles(consoles: list[str], terminal: str) -> None:
    lines = rendered(consoles=consoles)
    assert (f"terminal_output {terminal}" in lines) == ("serial" in consoles)
    assert any(line.startswith("if serial ") for line in lines) == ("serial" in consoles)


def test_on_arm_the_parts_are_files() -> None:
    lines = rendered(arch="arm64")
    assert 'xen_hypervisor "/xenbuild/xen" console=com1 loglvl=all $more' in lines
    assert 'xen_module "/xenbuild/kernel" console=hvc0 $more_dom0' in lines
    assert 'xen_module --nounzip "/xenbuild/initramfs"' in lines
    assert not any("serial" in line for line in lines)


@pytest.mark.parametrize(
    ("arch", "line"),
    [("arm64", 'xen_module --nounzip "/xenbuild/xsm_policy"'), ("x86_64", 'module2 --nounzip "(bundle)40+1"')],
)
def test_a_policy_is_the_last_module(arch: str, line: str) -> None:
    modules = [one for one in rendered(arch=arch, policy=True) if one.startswith(("module2", "xen_module"))]
    assert modules[-1] == line
    assert line not in rendered(arch=arch)


def test_a_copy_that_does_not_start_has_one_try_less() -> None:
    lines = rendered(slots=True, slot="xenbuild.slot=$slot")
    assert lines[lines.index("boot") + 2 :][:2] == ["sleep 5", "reboot"]
    assert any("-- xenbuild.slot=$slot $more_dom0" in line for line in lines)
    assert 'menuentry "Start the other copy" {' in lines
    assert 'menuentry "Start the other copy" {' not in rendered()
