"""The archive of guests for a dom0 that is a unikernel."""

from __future__ import annotations

from pathlib import Path

import pytest

from xenbuild.errors import DeclarationError, Position
from xenbuild.parts.guest import Guest
from xenbuild.parts.hvdomains import SETTINGS, archive
from xenbuild.plan.action import File
from xenbuild.plan.run import run
from xenbuild.spec.domain import Disk, Domain, Network
from xenbuild.spec.load import load
from xenbuild.spec.model import Declaration
from xenbuild.store.digest import Digest
from xenbuild.store.store import Store


@pytest.fixture
def declaration(tmp_path: Path) -> Declaration:
    file = tmp_path / "xenbuild.yaml"
    file.write_text("name: m\nrelease: bookworm\ndom0: {kind: unikernel}\n")
    return load(file)


def test_settings_of_a_guest(declaration: Declaration) -> None:
    disks = [Disk(name="xvdb", size=None, path="/dev/vda", readonly=True), Disk(size=None)]
    domain = Domain(
        type="pv",
        kernel=Path("k"),
        cmdline=["a=b", "c"],
        disks=disks,
        networks=[Network(mac="00:16:3e:00:00:01")],
        after=["x"],
        cap=50,
        cpus="1,3-4",
    )
    kernel = File(Digest.of(b"kernel"))
    guest = Guest("one", domain, kernel, None, {}, {"xvda": 4096}, {"xvdb": "/dev/vda"})
    made = archive(declaration, [guest]).action
    entries = {entry["path"]: entry for entry in made.params["entries"]}
    assert entries["one/kernel"]["input"] == "one:kernel" and made.inputs == {"one:kernel": kernel}
    assert entries[SETTINGS]["content"].splitlines() == [
        "guest one",
        f"memory {domain.memory >> 10}",
        "vcpus 1",
        "weight 256",
        "cap 50",
        "cpus 26",
        "kernel one/kernel",
        "cmdline a=b c",
        "disk xvdb ro hardware vda",
        "disk xvda rw size 4096",
        "nic 00:16:3e:00:00:01",
        "restart never",
        "autostart yes",
        "after x",
    ]


def test_no_guests(declaration: Declaration) -> None:
    [entry] = archive(declaration, []).action.params["entries"]
    assert entry["path"] == SETTINGS and entry["content"] == ""


@pytest.mark.parametrize(("memory", "fits"), [("25M", False), ("26M", True)])
def test_files_that_dom0_has_no_room_for(tmp_path: Path, memory: str, fits: bool) -> None:
    file = tmp_path / "xenbuild.yaml"
    file.write_text(f"name: m\nrelease: bookworm\ndom0: {{kind: unikernel, memory: {memory}}}\n")
    with Store(tmp_path / "store") as store:
        image = File(store.put_bytes(bytes(12 << 20)))
        kernel = File(store.put_bytes(b"kernel"))
        guest = Guest("one", Domain(type="pv"), kernel, None, {"xvdb": image}, {"xvda": 5 << 20})
        goal = archive(load(file), [guest])
        if fits:
            run([goal], store, jobs=1)
            return
        with pytest.raises(DeclarationError) as caught:
            run([goal], store, jobs=1)
    assert caught.value.at == Position(file, 3, 33)
    assert caught.value.message == "pack the guests: dom0's memory, 25M, does not hold its guests' files, 13M"
    assert caught.value.advice.startswith("write dom0.memory: 26M at least, or ")
    assert caught.value.advice.endswith("the largest is one/xvdb, 12M")


def test_kind_of_dom0_follows_from_the_hypervisor(tmp_path: Path) -> None:
    file = tmp_path / "xenbuild.yaml"
    file.write_text("name: m\nrelease: bookworm\n")
    assert load(file).dom0.kind == "linux"
