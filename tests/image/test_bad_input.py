"""What is wrong with files, locks, stores and disks ends in one message with a way out; what was built before stays."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import secrets
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from project import TOP, Project, finish, share_packages

from xenbuild.errors import HostError
from xenbuild.media.build import Settings
from xenbuild.parts.requests import part_requests
from xenbuild.sources.fetch import fetch
from xenbuild.sources.lock import load_lock
from xenbuild.sources.request import Request
from xenbuild.spec.load import load
from xenbuild.spec.model import Target
from xenbuild.spec.recipe import Release, load_recipe
from xenbuild.store.store import Store

pytestmark = pytest.mark.image

BAD = TOP / "tests/bad/part"
PARTS = sorted(file.stem for file in BAD.glob("*.txt"))
PLACE = {
    "kernel": ("  hostname:", "  kernel: {}\n  hostname:"),
    "initramfs": ("  hostname:", "  kernel: vmlinuz\n  initramfs: {}\n  hostname:"),
    "hypervisor": ("hypervisor:\n  cmdline:", "hypervisor:\n  file: {}\n  cmdline:"),
}


@pytest.fixture
def project(settings: Settings, tmp_path: Path) -> Project:
    """The showcase with an image that was built before."""
    project = Project.of(TOP / "xenbuild.yaml", tmp_path / "project", settings.store.root)
    assert project.run("image").code == 0
    return project


def refused(project: Project, *words: str, before: Callable[[], object] | None = None) -> tuple[int, str]:
    """Exit code and complaint of a call that must leave everything under out/ as it was."""
    seen = files(project.folder / "out")
    outcome = project.run(*(words or ("image",)), before=before)
    assert files(project.folder / "out") == seen
    return outcome.code, outcome.complaint


def files(folder: Path) -> dict[Path, str]:
    return {p: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}


def kernel(store: Store, target: str, project: Project) -> bytes:
    """The release's own kernel of a target, taken out of its bundle."""
    assert project.run("image", target).code == 0
    folder = project.folder / "out" / target.replace("/", "-")
    manifest = json.loads((folder / "manifest.json").read_text())
    part = next(part for part in manifest["bundle"]["parts"] if part["name"] == "kernel")
    image = (folder / manifest["images"][0]["file"]).read_bytes()
    return image[part["offset"] : part["offset"] + part["size"]]


@pytest.mark.parametrize("case", PARTS)
def test_own_part(settings: Settings, project: Project, case: str) -> None:
    if case.startswith("initramfs"):
        (project.folder / "vmlinuz").write_bytes(kernel(settings.store, "x86_64/xen", project))
    shutil.copyfile(BAD / case, project.folder / case)
    old, new = PLACE[case.partition("-")[0]]
    project.replace(old, new.format(case))
    assert refused(project) == (7, (BAD / f"{case}.txt").read_text())


def test_there_are_cases() -> None:
    assert len(PARTS) >= 12
    assert set(PARTS) == {file.name for file in BAD.iterdir() if file.suffix != ".txt"}


def test_own_part_that_is_not_there(project: Project) -> None:
    project.replace("  hostname:", "  kernel: vmlinux\n  hostname:")
    assert refused(project) == (
        3,
        "error: xenbuild.yaml:18:11: dom0.kernel: there is no file 'vmlinux'\n"
        "  advice: paths are relative to the folder of xenbuild.yaml\n",
    )


def test_real_kernels_that_do_not_fit(settings: Settings, project: Project) -> None:
    x86, arm = (kernel(settings.store, target, project) for target in ("x86_64/xen", "arm64/xen"))
    project.replace("  hostname:", "  kernel: vmlinuz\n  hostname:")
    own = project.folder / "vmlinuz"
    own.write_bytes(arm)
    code, said = refused(project)
    assert (code, said.splitlines()[0]) == (
        7,
        "error: check vmlinuz: vmlinuz is no x86 kernel: neither a bzImage nor an ELF file",
    )
    own.write_bytes(x86)
    code, said = refused(project, "image", "arm64/xen")
    assert (code, said.splitlines()[0]) == (
        7,
        "error: check vmlinuz: vmlinuz cannot be dom0's kernel: not an arm64 Image but an x86 bzImage",
    )
    own.write_bytes(x86[: len(x86) // 2])
    code, said = refused(project)
    assert code == 7
    assert "error: check vmlinuz: vmlinuz is cut short: its payload ends at " in said
    damaged = bytearray(x86)
    damaged[len(x86) // 2] ^= 0x10
    own.write_bytes(damaged)
    code, said = refused(project)
    assert code == 7
    assert "error: check vmlinuz: the payload of vmlinuz is damaged: " in said


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "Expecting value: line 1 column 1 (char 0)"),
        ("[]\n", "it is no lock"),
        ('{"version": 1}\n', "no 'archives'"),
        ("<<<<<<< HEAD\n", "Expecting value: line 1 column 1 (char 0)"),
    ],
)
def test_damaged_lock(project: Project, content: str, reason: str) -> None:
    (project.folder / "xenbuild.lock").write_text(content)
    wanted = (
        4,
        f"error: xenbuild.lock is damaged: {reason}\n"
        "  advice: restore it from version control, or remove it and run `xenbuild lock`\n",
    )
    assert refused(project) == wanted
    assert refused(project, "lock") == wanted
    assert (project.folder / "xenbuild.lock").read_text() == content


def test_no_lock(project: Project) -> None:
    (project.folder / "xenbuild.lock").unlink()
    assert refused(project) == (4, "error: there is no xenbuild.lock\n  advice: run `xenbuild lock`\n")


def test_lock_that_does_not_cover_a_package(project: Project) -> None:
    project.replace("  hostname:", "  packages: [nano]\n  hostname:")
    assert refused(project) == (
        4,
        "error: xenbuild.lock does not cover x86_64/xen extra\n  advice: run `xenbuild lock`\n",
    )


def test_unknown_target(project: Project) -> None:
    assert refused(project, "image", "x86_46/xen") == (
        3,
        "error: target: 'x86_46' in 'x86_46/xen' is unknown\n"
        "  advice: did you mean 'x86_64'? known: arm64, armv7, ia32, x86_64\n",
    )


def test_offline_with_an_empty_store(project: Project, tmp_path: Path) -> None:
    project.store = tmp_path / "empty"
    code, said = refused(project, "image", "--offline")
    first, second = said.splitlines()
    assert code == 6
    assert first.startswith("error: ")
    assert " packages are not in the store: busybox-static " in first
    assert second == "  advice: run the same command once without --offline, with a network"


def test_cache_is_a_file(project: Project, tmp_path: Path) -> None:
    project.store = tmp_path / "file"
    project.store.write_text("")
    assert refused(project) == (
        8,
        f"error: cannot use {tmp_path}/file/ac: Not a directory\n  advice: move away what is in its place\n",
    )


@pytest.mark.parametrize(
    ("blocked", "reason"),
    [
        ("out", "out/x86_64-xen: Not a directory"),
        ("out/x86_64-xen", "out/x86_64-xen: File exists"),
        ("out/x86_64-xen/showcase.elf/folder/file", "out/x86_64-xen/showcase.elf: Is a directory"),
        ("out/x86_64-xen/manifest.json/file", "out/x86_64-xen/manifest.json: Is a directory"),
    ],
)
def test_something_is_in_the_way_of_results(project: Project, blocked: str, reason: str) -> None:
    shutil.rmtree(project.folder / "out")
    path = project.folder / blocked
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine\n")
    outcome = project.run("image")
    wanted = f"error: cannot use {reason}\n  advice: move away what is in its place\n"
    assert (outcome.code, outcome.complaint) == (8, wanted)
    assert path.read_text() == "mine\n"
    assert not [p for p in project.folder.rglob(".*") if p.is_file() and not p.name.startswith(".stamp-")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_results_may_not_be_written(project: Project) -> None:
    folder = project.folder / "out/x86_64-xen"
    project.replace("cmdline: [quiet]", "cmdline: [quiet, panic=5]")
    folder.chmod(0o555)
    code, said = refused(project)
    folder.chmod(0o755)
    assert (code, said.splitlines()[0]) == (8, "error: no permission to use out/x86_64-xen/showcase.elf")


def test_full_disk(settings: Settings, project: Project) -> None:
    word = secrets.token_hex(8)  # that no store has seen
    project.replace("cmdline: [quiet]", f"cmdline: [quiet, w.w={word}]")
    limit = 1 << 20
    code, said = refused(project, before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    first, second = said.splitlines()
    assert code == 8
    assert first.startswith("error: compose x86_64/xen: no space left to write ")
    assert second == (
        "  advice: free some space, shrink the cache with `xenbuild gc`, or set XENBUILD_CACHE to a larger disk"
    )
    assert project.run("image").code == 0


def test_no_room_for_the_lock(project: Project) -> None:
    """Its old content stays, and nothing half-written beside it."""
    old = (project.folder / "xenbuild.lock").read_bytes()
    lock = load_lock(project.folder / "xenbuild.lock")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(old) // 2, limits[1]))
    try:
        with pytest.raises(HostError, match=r"^no space left to write .*xenbuild\.lock") as caught:
            lock.save()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "free some space" in caught.value.advice
    assert (project.folder / "xenbuild.lock").read_bytes() == old
    assert not list(project.folder.glob("xenbuild.lock.*"))


def linked(source: Path, target: Path) -> Path:
    """A store with the content and results of another, by hard links: change nothing in place there."""
    with Store(target):
        pass
    for folder in ("cas", "ac"):
        shutil.copytree(source / folder, target / folder, copy_function=link, dirs_exist_ok=True)
    return target


def link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another filesystem
        shutil.copy2(source, target)


def damage(store: Path, sha256: str) -> None:
    """Change some bytes in the middle of a stored file: its name and size stay."""
    path = store / "cas" / sha256[:2] / sha256
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x55
    path.unlink()
    path.write_bytes(data)


def test_damaged_package_in_the_store(settings: Settings, project: Project, tmp_path: Path) -> None:
    deb = next(p for p in settings.lock.packages(kernel_request()) if p.size > 1 << 20)
    fetch([deb], settings.lock, settings.store)
    project.store = linked(settings.store.root, tmp_path / "store")
    damage(project.store, deb.sha256)
    project.replace("  hostname:", "  modules: [dummy, ifb]\n  hostname:")  # the package has to be unpacked anew
    assert refused(project) == (
        5,
        f"error: xenbuild.yaml:20:12: unpack {deb.name}: the file with SHA-256 {deb.sha256[:16]}… was damaged in the "
        "store and has been removed from it\n"
        "  advice: run the command again: the file is taken from its source anew\n",
    )
    assert not (project.store / "cas" / deb.sha256[:2] / deb.sha256).exists()
    code, said = refused(project, "image", "--offline")
    assert (code, said.splitlines()[0]) == (6, f"error: 1 package is not in the store: {deb.name} {deb.version}")


def kernel_request() -> Request:
    declaration = load(TOP / "xenbuild.yaml", Target("x86_64", "xen"))
    return part_requests(declaration, load_recipe(Release, declaration.release, declaration.folder))["kernel"]


def test_damaged_part_in_the_store_is_made_anew(settings: Settings, project: Project, tmp_path: Path) -> None:
    good = project.image().read_bytes()
    project.store = linked(settings.store.root, tmp_path / "store")
    bundle = hashlib.sha256(good).hexdigest()
    (project.store / "cas" / bundle[:2] / bundle).unlink()
    parts = json.loads((project.folder / "out/x86_64-xen/manifest.json").read_text())["bundle"]["parts"]
    for part in parts:
        damage(project.store, part["sha256"])
    shutil.rmtree(project.folder / "out")
    outcome = project.run("image")
    assert outcome.code == 0, outcome.err
    assert project.image().read_bytes() == good


def test_two_builds_at_once_in_one_store(settings: Settings, project: Project, tmp_path: Path) -> None:
    project.replace("  hostname:", "  modules: [dummy]\n  hostname:")
    assert project.run("image").code == 0
    project.replace("modules: [dummy]", "modules: [dummy, ifb, veth]")
    store = linked(settings.store.root, tmp_path / "store")  # where the kernel has to be unpacked anew
    pair = [Project.of(project.declaration, tmp_path / name, store) for name in ("one", "two")]
    calls = [each.start("image") for each in pair]
    assert [finish(call).code for call in calls] == [0, 0]
    assert pair[0].image().read_bytes() == pair[1].image().read_bytes() != project.image().read_bytes()


def test_killed_in_the_middle(settings: Settings, project: Project, tmp_path: Path) -> None:
    good = project.image().read_bytes()
    project.store = tmp_path / "store"
    share_packages(settings.store, project.store)
    shutil.rmtree(project.folder / "out")
    call = project.start("image", "--json")
    assert call.stdout
    done = 0
    for line in call.stdout:
        done += json.loads(line).get("kind") == "done"
        if done == 10:
            break
    call.send_signal(signal.SIGKILL)
    call.communicate()
    assert call.returncode == -signal.SIGKILL
    assert files(project.folder / "out") == {}
    began = time.monotonic()
    outcome = project.run("image", "--json")
    assert outcome.code == 0
    kinds = [item["kind"] for item in outcome.objects() if "kind" in item]
    assert kinds.count("cached") >= 10, f"nothing was taken up again ({time.monotonic() - began:.0f} s)"
    assert project.image().read_bytes() == good
    assert len(list((project.store / "scratch").iterdir())) == 0
