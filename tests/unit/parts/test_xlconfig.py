"""xl configurations: literals that xl's own grammar reads back, and what each key of a domain becomes."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenbuild.parts.guest import settled
from xenbuild.parts.xlconfig import Places, literal, render, settings
from xenbuild.spec.block import InputFile, Size
from xenbuild.spec.domain import Disk, Domain, Framebuffer, Network

VALUES = st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner, max_size=3), max_leaves=5)


@given(VALUES)
def test_literals_are_read_back(value: Any) -> None:
    # xl's strings, numbers and lists are written as Python's are, in the part of both that we use
    assert ast.literal_eval(literal(value).replace("\r", "\\r").replace("\0", "\\x00")) == value


def test_a_small_guest_is_a_small_configuration(tmp_path: Path) -> None:
    domain = settled("m", "web", Domain(type="pv", networks=[Network(address="10.0.0.2/24")]))
    text = render("web", settings("web", domain, Places("/k", "/i"), "x86_64"), tmp_path)
    assert text.splitlines()[1:] == [
        "name = 'web'",
        "type = 'pv'",
        "kernel = '/k'",
        "ramdisk = '/i'",
        "extra = 'console=hvc0'",
        "memory = 128",
        "vcpus = 1",
        "on_poweroff = 'destroy'",
        "on_crash = 'destroy'",
        f"vif = ['mac={domain.networks[0].mac}']",
    ]


def test_disks_have_devices_in_order_and_none_twice() -> None:
    disks = [Disk(path="/dev/a"), Disk(name="xvda", path="/dev/b"), Disk(path="/dev/c", readonly=True)]
    domain = settled("m", "g", Domain(type="pv", disks=disks))
    assert [disk.name for disk in domain.disks] == ["xvdb", "xvda", "xvdc"]
    places = Places(disks={"xvdb": "/dev/a", "xvda": "/dev/b", "xvdc": "/dev/c"})
    assert settings("g", domain, places, "x86_64")["disk"] == [
        "format=raw, vdev=xvdb, access=rw, target=/dev/a",
        "format=raw, vdev=xvda, access=rw, target=/dev/b",
        "format=raw, vdev=xvdc, access=ro, target=/dev/c",
    ]


@given(st.text(min_size=1), st.text(min_size=1))
def test_hardware_addresses_are_stable_and_xens(machine: str, name: str) -> None:
    domain = Domain(type="pv", networks=[Network(), Network(), Network(mac="02:00:00:00:00:01")])
    macs = [network.mac for network in settled(machine, name, domain).networks]
    assert macs == [network.mac for network in settled(machine, name, domain).networks]
    assert len(set(macs)) == 3
    assert all(str(mac).startswith("00:16:3e:") for mac in macs[:2])
    assert macs[2] == "02:00:00:00:00:01"


@pytest.mark.parametrize(
    ("restart", "poweroff", "crash"),
    [("never", "destroy", "destroy"), ("on-crash", "destroy", "restart"), ("always", "restart", "restart")],
)
def test_restart(restart: str, poweroff: str, crash: str) -> None:
    made = settings("g", Domain(type="pv", restart=restart), Places(), "x86_64")
    assert (made["on_poweroff"], made["on_crash"]) == (poweroff, crash)


def test_an_hvm_guest_has_no_emulated_card_unless_it_names_one() -> None:
    networks = [Network(), Network(model="e1000")]
    made = settings("g", Domain(type="hvm", networks=networks), Places(), "x86_64")
    assert made["vif"] == ["type=vif", "model=e1000"]
    assert made["vga"] == "none"


def test_a_screen_is_a_vfb_or_a_card() -> None:
    screen = Framebuffer(display=3)
    words = "vnc=1,vnclisten=127.0.0.1,vncunused=0,vncdisplay=3,keymap=en-us"
    assert settings("g", Domain(type="pv", framebuffer=screen), Places(), "x86_64")["vfb"] == [words]
    card = settings("g", Domain(type="hvm", framebuffer=screen), Places(), "x86_64")
    assert (card["vga"], card["vncdisplay"]) == ("stdvga", 3)


def test_settings_of_the_user_win_and_arm_has_no_type() -> None:
    domain = Domain(type="pvh", settings={"memory": 64, "nestedhvm": True})
    made = settings("g", domain, Places(), "arm64")
    assert made["memory"] == 64
    assert literal(made["nestedhvm"]) == "1"
    assert "type" not in made


def test_an_own_kernel_keeps_its_own_words() -> None:
    own = Domain(type="pv", kernel=InputFile(Path("/k")), memory=Size(32 << 20))
    assert settled("m", "g", own).cmdline == []
    assert settled("m", "g", Domain(type="pv", cmdline=["console=tty0"])).cmdline == ["console=tty0"]


def test_a_template_beside_the_declaration_goes_first(tmp_path: Path) -> None:
    (tmp_path / "recipes" / "templates").mkdir(parents=True)
    (tmp_path / "recipes" / "templates" / "xl.cfg").write_text("# {{ name }}: {{ settings.memory | xl }}\n")
    assert render("g", {"memory": 7}, tmp_path) == "# g: 7\n"
