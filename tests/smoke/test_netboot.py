"""Machines boot from `xenbuild serve` by every path: BIOS, UEFI and U-Boot, beside a DHCP server and alone.

The network is a namespace of the user's own; where that cannot be had, only the test over QEMU's own network is left.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from flaskpolicy import flask_project

from xenbuild.cli.test import firmware_folder
from xenbuild.media.build import Settings, tools_tree
from xenbuild.parts.toolstree import ToolsTree
from xenbuild.spec.load import load, target_named

pytestmark = pytest.mark.smoke

TOP = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent / "netboot"
READY = r"xenbuild: dom0 ready"
MAC = "52:54:00:12:34:56"  # of QEMU's first card
DEADLINE = 240.0  # seconds
RANGE = ("--dhcp-range", "192.168.77.50-192.168.77.99")
PC = ["-machine", "q35", "-cpu", "qemu64,+svm,+npt,+rdrand", "-m", "1536"]
ARM64 = ["-machine", "virt,virtualization=on,gic-version=3,acpi=off", "-cpu", "cortex-a57", "-m", "2048"]
ARMV7 = ["-machine", "virt,virtualization=on,highmem=off", "-cpu", "cortex-a15", "-m", "2048"]
TAP = ["-netdev", "tap,id=n,ifname=tap0,script=no,downscript=no"]
CARD = ["-device", "virtio-net-pci,netdev=n,romfile=,bootindex=0", "-device", "virtio-rng-pci"]
# EDK2 tries one way after the other, each for a minute: only HTTP by IPv4 is left.
HTTP_ONLY = [
    word
    for name in ("IPv4PXESupport", "IPv6PXESupport", "IPv6Support")
    for word in ("-fw_cfg", f"name=opt/org.tianocore/{name},string=n")
]
Tool = Callable[[str], list[str]]
Answer = tuple[str, "bytes | Callable[[], bytes]"]


@pytest.fixture(scope="module")
def project(module_folder: Path, settings: Settings) -> Path:
    """A folder with the declaration, built, and the server's program in the store."""
    folder = module_folder
    shutil.copy(HERE / "xenbuild.yaml", folder)
    shutil.copy(TOP / "xenbuild.lock", folder)
    tools_tree(load(folder / "xenbuild.yaml"), settings, "serve")
    return folder


@pytest.fixture(scope="module")
def private_network() -> None:
    """Skips where a user cannot have a network of his own."""
    if shutil.which("ip") is None or shutil.which("unshare") is None:
        pytest.skip("this machine has no ip or no unshare (iproute2, util-linux)")
    script = "ip tuntap add tap0 mode tap && ip link add br0 type bridge"
    tried = subprocess.run(["unshare", "-rn", "bash", "-c", script], capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"no network namespace with a tap device can be had here: {tried.stderr.strip()}")


@pytest.fixture(scope="module")
def house(settings: Settings, project: Path) -> str:
    """The words that start the DHCP server that a network has already."""
    words = tools_tree(load(project / "xenbuild.yaml"), settings, "serve").argv("dnsmasq")
    return " ".join(words)


@pytest.fixture
def firmware(settings: Settings, project: Path) -> Callable[[str, str], Path]:
    def folder(target: str, group: str) -> Path:
        file = project / "xenbuild.yaml"
        return firmware_folder(load(file, target_named(target, file)), settings, group)

    return folder


def serve_words(*words: str) -> list[str]:
    return [sys.executable, "-m", "xenbuild.cli.main", "serve", "--json", *words]


@contextmanager
def running(argv: list[str], folder: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    env = {**os.environ, "PYTHONPATH": str(TOP / "build"), **environment}
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    process = subprocess.Popen(argv, cwd=folder, env=env, start_new_session=True, **pipes)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def watch(process: subprocess.Popen[bytes], log: Path, *answers: Answer, last: str = READY) -> str:
    """The console up to `last`; `answers` are typed when their patterns are seen, in their order."""
    deadline = time.monotonic() + DEADLINE * (1 + len(answers))
    waiting = list(answers)
    while time.monotonic() < deadline and process.poll() is None:
        said = log.read_text(errors="replace") if log.exists() else ""
        if waiting and re.search(waiting[0][0], said):
            assert process.stdin
            answer = waiting.pop(0)[1]
            process.stdin.write(answer if isinstance(answer, bytes) else answer())
            process.stdin.flush()
        if not waiting and re.search(last, said):
            return said
        time.sleep(0.2)
    said = log.read_text(errors="replace") if log.exists() else ""
    process.kill()
    assert process.stdout
    pytest.fail(f"dom0 is not ready; last lines:\n{said[-2000:]}")


def lab(
    project: Path,
    tmp_path: Path,
    serve: list[str],
    qemu: list[str],
    *answers: Answer,
    house: str = "",
    last: str = READY,
    **environment: str,
) -> list[dict[str, Any]]:
    """Boots a machine in a network with the server; returns what the server told."""
    served, log = tmp_path / "served", tmp_path / "console"
    console = ["-chardev", f"stdio,id=c,logfile={log}", "-serial", "chardev:c", "-display", "none", "-monitor", "none"]
    words = [*serve_words("-i", "br0", *serve), "--", *qemu, *console, "-accel", "tcg"]
    argv = ["unshare", "-rn", str(HERE / "lab.sh"), *words]
    with running(argv, project, SERVED=str(served), HOUSE=house, TMPDIR=str(tmp_path), **environment) as process:
        try:
            watch(process, log, *answers, last=last)
        finally:
            print(served.read_text() if served.exists() else "")
    return told(served)


def told(served: Path) -> list[dict[str, Any]]:
    """The events in a file that the server writes, the last line of which may not be whole yet."""
    text = served.read_text().rpartition("\n")[0]
    return [json.loads(line) for line in text.splitlines() if line.startswith('{"time"')]


def took(events: list[dict[str, Any]]) -> list[str]:
    """What was taken, once each: a client that is slow to say that it has it all is sent the end of a file again."""
    return list(dict.fromkeys(f"{one['by']} {one['file']}" for one in events if one["kind"] == "took"))


def uefi(
    root: Path, folder: str = "OVMF", code: str = "OVMF_CODE_4M.fd", variables: str = "OVMF_VARS_4M.fd"
) -> list[str]:
    place = root / "usr/share" / folder
    return [
        *("-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={place / code}"),
        *("-drive", f"if=pflash,unit=1,format=raw,snapshot=on,file={place / variables}"),
    ]


def test_ipxe_over_http_without_any_rights(project: Path, tmp_path: Path, tool: Tool) -> None:
    """The server on loopback, the machine on QEMU's own network, which leads there."""
    argv = [*serve_words("--http-only", "--port", "18980", "x86_64/xen")]
    log = tmp_path / "console"
    with running(argv, project) as server:
        assert server.stdout
        while b"serving on" not in server.stdout.readline():
            assert server.poll() is None
        net = "user,id=n,bootfile=http://10.0.2.2:18980/x86_64-xen/net/boot.ipxe"
        qemu = [*tool("qemu-system-x86_64"), *PC, "-boot", "n", "-netdev", net, "-device", "e1000,netdev=n"]
        qemu += ["-display", "none", "-serial", f"file:{log}", "-monitor", "none", "-accel", "tcg"]
        with running(qemu, tmp_path) as machine:
            said = watch(machine, log)
        assert "started by iPXE" in said
        server.terminate()
        events = [json.loads(line) for line in server.stdout.read().decode().splitlines()]
        assert server.wait(10) == 0
    assert took(events) == ["HTTP x86_64-xen/net/boot.ipxe", "HTTP x86_64-xen/net/net.elf"]


@pytest.mark.slow
@pytest.mark.usefixtures("private_network")
@pytest.mark.parametrize(
    ("loader", "proxy"),
    [("ipxe", False), ("pxelinux", False), ("grub", False), ("ipxe", True), ("pxelinux", True)],
    ids=["ipxe-dhcp", "pxelinux-dhcp", "grub-dhcp", "ipxe-proxy", "pxelinux-proxy"],
)
def test_bios(loader: str, proxy: bool, project: Path, tmp_path: Path, tool: Tool, house: str) -> None:
    qemu = [*tool("qemu-system-x86_64"), *PC, "-boot", "n", *TAP, "-device", "e1000,netdev=n"]
    serve = [*(() if proxy else RANGE), "--loader", loader, "x86_64/xen"]
    events = lab(project, tmp_path, serve, qemu, house=house if proxy else "")
    first = next(one for one in events if one["kind"] == "told")
    assert first["by"] == ("ProxyDHCP" if proxy else "DHCP")
    assert all(one["machine"] == MAC for one in events if one["kind"] in ("told", "took"))
    assert f"{'HTTP' if loader == 'ipxe' else 'TFTP'} x86_64-xen/net/net.elf" in took(events)


@pytest.mark.slow
@pytest.mark.usefixtures("private_network")
@pytest.mark.parametrize("way", ["ipxe", "ipxe-proxy", "grub", "http"])
def test_uefi(
    way: str, project: Path, tmp_path: Path, tool: Tool, house: str, firmware: Callable[[str, str], Path]
) -> None:
    qemu = [*tool("qemu-system-x86_64"), *PC, *uefi(firmware("x86_64/xen", "firmware-x86")), *TAP, *CARD]
    serve = [*(() if way == "ipxe-proxy" else RANGE), *(["--loader", "grub"] if way == "grub" else []), "x86_64/xen"]
    more = HTTP_ONLY if way == "http" else []
    events = lab(project, tmp_path, serve, [*qemu, *more], house=house if way == "ipxe-proxy" else "")
    kinds = {one["text"] for one in events if one["kind"] == "told"}
    assert ("64-bit UEFI by HTTP" if way == "http" else "64-bit UEFI") in kinds
    first = {"grub": "TFTP x86_64-xen/net/grubx64.efi", "http": "HTTP x86_64-xen/net/snponly.efi"}
    assert took(events)[0] == first.get(way, "TFTP x86_64-xen/net/snponly.efi")
    assert any(one.endswith("/efi/initramfs") for one in took(events))


@pytest.fixture
def arm64(tool: Tool, firmware: Callable[[str, str], Path]) -> list[str]:
    flash = uefi(firmware("arm64/xen", "firmware-arm64-net"), "AAVMF", "AAVMF_CODE.fd", "AAVMF_VARS.fd")
    return [*tool("qemu-system-aarch64"), *ARM64, *flash, *TAP, *CARD]


@pytest.mark.slow
@pytest.mark.usefixtures("private_network")
@pytest.mark.parametrize(
    ("loader", "first", "last"),
    [
        ("ipxe", "TFTP arm64-xen/net/ipxe-arm64.efi", "HTTP arm64-xen/net/efi/initramfs"),
        ("grub", "TFTP arm64-xen/net/grubaa64.efi", "TFTP arm64-xen/net/efi/initramfs"),
        ("http", "HTTP arm64-xen/net/ipxe-arm64.efi", "HTTP arm64-xen/net/efi/initramfs"),
    ],
    ids=["ipxe", "grub", "http"],
)
def test_arm64_uefi(loader: str, first: str, last: str, project: Path, tmp_path: Path, arm64: list[str]) -> None:
    preferred, more = ("ipxe", HTTP_ONLY) if loader == "http" else (loader, [])
    events = lab(project, tmp_path, [*RANGE, "--loader", preferred, "arm64/xen"], [*arm64, *more])
    assert took(events)[0] == first
    assert last in took(events)


@pytest.mark.slow
@pytest.mark.usefixtures("private_network")
@pytest.mark.parametrize("loader", ["ipxe", "grub"])
def test_a_policy_comes_over_the_network_too(
    loader: str, settings: Settings, tmp_path: Path, tool: Tool, arm64: list[str]
) -> None:
    made = flask_project(settings, tool, tmp_path)
    serve = [*RANGE, "--loader", loader, "--profile", "media", "arm64/xen"]
    typed = (READY, b"xl debug-keys h || xl dmesg\r")
    events = lab(made.folder, tmp_path, serve, arm64, typed, last=r"avc: +denied +\{ debug \}")
    assert any(one.endswith("arm64-xen/net/efi/xsm_policy") for one in took(events))


@pytest.mark.slow
@pytest.mark.usefixtures("private_network")
def test_a_machine_reboots_into_a_fresh_build(project: Path, tmp_path: Path, settings: Settings, tool: Tool) -> None:
    """dom0 says the nonce of its command line, which the declaration has instead of a test here."""
    folder = tmp_path / "lab"
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns("out"))
    declaration = folder / "xenbuild.yaml"
    text = declaration.read_text() + "dom0: {cmdline: [xenbuild.nonce=NONCE]}\n"
    declaration.write_text(text.replace("NONCE", "01d"))

    def edited() -> bytes:
        declaration.write_text(text.replace("NONCE", "f4e5"))
        deadline = time.monotonic() + DEADLINE
        while not any(one["kind"] == "fresh" for one in told(tmp_path / "served")):
            assert time.monotonic() < deadline, "the server built nothing"
            time.sleep(0.2)
        return b"reboot\r"

    qemu = [*tool("qemu-system-x86_64"), *PC, "-boot", "n", *TAP, "-device", "e1000,netdev=n"]
    reboot = (f"{READY} 01d", edited)
    events = lab(folder, tmp_path, [*RANGE, "--watch", "x86_64/xen"], qemu, reboot, last=f"{READY} f4e5")
    fresh = next(n for n, one in enumerate(events) if one["kind"] == "fresh")
    bundles = [n for n, one in enumerate(events) if one["kind"] == "took" and one["file"].endswith("/net.elf")]
    assert len(bundles) == 2 and bundles[0] < fresh < bundles[1], "iPXE takes it once a start"
    assert all(events[n]["machine"] == MAC for n in bundles)


@pytest.mark.slow
@pytest.mark.usefixtures("private_network")
@pytest.mark.parametrize("target", ["arm64/xen", "armv7/xen"])
def test_u_boot(target: str, project: Path, tmp_path: Path, tool: Tool, firmware: Callable[[str, str], Path]) -> None:
    """QEMU's U-Boot boots from the network when it is told to; that of most boards tries it by itself."""
    program, machine, name = {
        "arm64/xen": ("qemu-system-aarch64", ARM64, "qemu_arm64"),
        "armv7/xen": ("qemu-system-arm", ARMV7, "qemu_arm"),
    }[target]
    bios = firmware(target, "uboot-qemu") / f"usr/lib/u-boot/{name}/u-boot.bin"
    qemu = [*tool(program), *machine, "-bios", str(bios), *TAP, *CARD]
    typed = (r"Hit any key", b" "), (r"=> ", b"setenv boot_targets pxe; boot\r")
    events = lab(project, tmp_path, [*RANGE, target], qemu, *typed)
    folder = target.replace("/", "-")
    assert took(events) == [f"TFTP {folder}/net/pxelinux.cfg/default", f"TFTP {folder}/net/net.img"]


def test_the_tools_tree_has_the_server(project: Path, settings: Settings) -> None:
    tree = tools_tree(load(project / "xenbuild.yaml"), settings, "serve")
    assert isinstance(tree, ToolsTree)
    assert "Dnsmasq version" in subprocess.check_output([*tree.argv("dnsmasq"), "--version"], text=True)


ASK = """
import socket
end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
end.settimeout(60)
for name in ("../../etc/passwd", "/etc/passwd", "x86_64-xen/net/netboot.json"):
    end.sendto(b"\\0\\1" + name.encode() + b"\\0octet\\0", ("192.168.77.1", 69))
    print(name, end.recv(2048)[:2].hex())
"""  # TFTP: RFC 1350, opcodes 1 for a request, 3 for data, 5 for an error


@pytest.mark.usefixtures("private_network")
def test_what_lies_outside_is_refused_by_tftp(project: Path, tmp_path: Path) -> None:
    served = tmp_path / "served"
    words = [*serve_words("-i", "br0", *RANGE, "x86_64/xen"), "--", sys.executable, "-c", ASK]
    with running(["unshare", "-rn", str(HERE / "lab.sh"), *words], project, SERVED=str(served), HOUSE="") as client:
        assert client.wait(DEADLINE) == 0
        assert client.stdout
        answers = client.stdout.read1(4096).decode().split()
        assert answers[1::2] == ["0005", "0005", "0003"]
        deadline = time.monotonic() + DEADLINE
        while not any(one["kind"] == "refused" for one in told(served)):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    refused = next(one for one in told(served) if one["kind"] == "refused")
    assert (refused["by"], refused["text"]) == ("TFTP", "it is outside of what is served")
    assert refused["file"].endswith("../../etc/passwd")
