"""The boot menu: GRUB's scripts quote as a shell does, and the words of the declaration are where they belong."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenbuild.compose.manifest import Manifest, Part
from xenbuild.errors import DeclarationError
from xenbuild.media import menu

TOP = Path(__file__).parents[3]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)))
def test_words_survive_a_script(words: list[str]) -> None:
    assert shlex.split(menu.quoted(words)) == words


def params(**changes: Any) -> dict[str, Any]:
    return {
        "template": menu.template("grub.cfg", TOP),
        "arch": "x86_64",
        "uefi_parts": True,
        "folder": "/xenbuild",
        "timeout": 0,
        "default": 0,
        "serial": True,
        "vga": True,
        "hypervisor": "console=com1 loglvl=all",
        "dom0": "console=hvc0",
        "entries": [{"title": "lab", "hypervisor": "", "dom0": ""}],
        "slots": False,
        "slot": "",
        **changes,
    }


def rendered(**changes: Any) -> list[str]:
    parts = [Part("xen", "hypervisor", 1000, "", 0, 8192), Part("kernel", "kernel", 512, "", 0, 12288)]
    parts.append(Part("initramfs", "initramfs", 513, "", 0, 16384))
    text = menu.render(params(**changes), Manifest("x86_64/xen", tuple(parts))).decode()
    return [" ".join(line.split()) for line in text.splitlines()]


def test_parts_are_sectors_of_the_bundle() -> None:
    lines = rendered()
    assert "multiboot2 (bundle)16+2 console=com1 loglvl=all $more" in lines
    assert "module2 (bundle)24+1 console=hvc0 $more_dom0" in lines
    assert "module2 (bundle)32+2" in lines
    assert "multiboot2 /xenbuild/bundle.elf $more -- $more_dom0" in lines


def test_a_hypervisor_that_is_no_uefi_application_is_started_from_the_bundle_alone() -> None:
    lines = rendered(uefi_parts=False)
    assert lines.count("multiboot2 /xenbuild/bundle.elf $more -- $more_dom0") == 1
    assert not any("module2" in line or "efi" in line for line in lines)


def test_lines_of_the_menu_have_words_of_their_own() -> None:
    more = {"title": "it's {rescue}", "hypervisor": "noreboot", "dom0": "single"}
    lines = rendered(entries=[{"title": "lab", "hypervisor": "", "dom0": ""}, more], timeout=5, default=1)
    assert lines.count("menuentry lab {") == 1
    assert lines.count(r"menuentry 'it'\''s {rescue}' {") == 1
    assert "multiboot2 /xenbuild/bundle.elf noreboot $more -- single $more_dom0" in lines
    assert {"set timeout=5", "set timeout_style=menu", "set default=1"} <= set(lines)


@pytest.mark.parametrize(
    ("serial", "vga", "terminal"),
    [(True, True, "serial console"), (True, False, "serial"), (False, True, "")],
)
def test_consoles(serial: bool, vga: bool, terminal: str) -> None:
    lines = rendered(serial=serial, vga=vga)
    assert (f"terminal_output {terminal}" in lines) == serial
    assert any(line.startswith("if serial ") for line in lines) == serial


def test_on_arm_the_parts_are_files() -> None:
    lines = rendered(arch="arm64")
    assert "xen_hypervisor /xenbuild/xen console=com1 loglvl=all $more" in lines
    assert "xen_module /xenbuild/kernel console=hvc0 $more_dom0" in lines
    assert "xen_module --nounzip /xenbuild/initramfs" in lines
    assert not any("serial" in line for line in lines)


def test_a_copy_that_does_not_start_has_one_try_less() -> None:
    lines = rendered(slots=True, slot="xenbuild.slot=$slot")
    assert lines[lines.index("boot") + 2 :][:2] == ["sleep 5", "reboot"]
    assert any("-- xenbuild.slot=$slot $more_dom0" in line for line in lines)
    assert 'menuentry "Start the other copy" {' in lines
    assert 'menuentry "Start the other copy" {' not in rendered()


def test_a_template_beside_the_declaration_goes_first(tmp_path: Path) -> None:
    (tmp_path / "recipes/templates").mkdir(parents=True)
    (tmp_path / "recipes/templates/grub.cfg").write_text("mine {{ timeout }}\n")
    text = params(template=menu.template("grub.cfg", tmp_path), timeout=3)
    assert menu.render(text, Manifest("x86_64/xen", ())) == b"mine 3\n"
    with pytest.raises(DeclarationError, match=r"begins with .mine \{\{ wrong \}\}.: .wrong. is undefined"):
        menu.fill("mine {{ wrong }}\n", {})
