"""Flattened image trees (FIT), which U-Boot verifies before it starts them (https://fitspec.osfw.foundation, v0.8).

One kernel and one configuration, hashed by SHA-256. With a key the kernel carries a signature of PKCS #1 v1.5 over its
bytes too, which U-Boot demands when its control device tree holds the public key with `required = "image"`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from xenbuild.errors import FormatError
from xenbuild.formats.fdt import DeviceTree, Node, cells, parse_fdt, strings, write_fdt

PROCESSORS = {"armv7": "arm", "arm64": "arm64"}
CONFIGURATION = "machine"
KERNEL = "kernel"


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs bytes; `hint` is the name that U-Boot looks for the public key under."""

    rsa: Callable[[bytes], bytes]  # PKCS #1 v1.5 with SHA-256
    bits: int
    hint: str


@dataclass(frozen=True, slots=True)
class FitImage:
    """One image of a FIT as it was read: whether its hashes are right (None: it has none)."""

    name: str
    kind: str
    size: int
    sound: bool | None
    signed: bool


def write_fit(kernel: bytes, arch: str, address: int, description: str, signer: Signer | None = None) -> bytes:
    """A FIT whose kernel is loaded at and entered by `address`."""
    image = Node(
        KERNEL,
        {
            "description": strings(description),
            "data": kernel,
            "type": strings("kernel"),
            "arch": strings(PROCESSORS[arch]),
            "os": strings("linux"),  # the boot protocol, which the bundle speaks
            "compression": strings("none"),
            "load": cells(address),
            "entry": cells(address),
        },
    )
    image.children.append(Node("hash-1", {"value": hashlib.sha256(kernel).digest(), "algo": strings("sha256")}))
    if signer is not None:
        algorithm = strings(f"sha256,rsa{signer.bits}")
        properties = {"algo": algorithm, "key-name-hint": strings(signer.hint), "value": signer.rsa(kernel)}
        image.children.append(Node("signature-1", properties))
    configuration = Node(CONFIGURATION, {"description": strings(description), "kernel": strings(KERNEL)})
    root = Node("", {"timestamp": cells(0), "description": strings(description), "#address-cells": cells(1)})
    root.children.append(Node("images", children=[image]))
    default = {"default": strings(CONFIGURATION)}
    root.children.append(Node("configurations", default, [configuration]))
    return write_fdt(DeviceTree(root))


def read_fit(data: bytes) -> list[FitImage]:
    """The images of a FIT with their data inside, their hashes compared; raises FormatError."""
    root = parse_fdt(data).root
    images = root.child("images")
    if images is None or root.child("configurations") is None:
        raise FormatError("the device tree is no FIT: it has no images or no configurations")
    return [_read(node) for node in images.children]


def _read(node: Node) -> FitImage:
    content = node.properties.get("data", b"")
    hashes = [child for child in node.children if child.name.startswith("hash")]
    sound = all(_matches(one, content) for one in hashes) if hashes else None
    signed = any(child.name.startswith("signature") for child in node.children)
    return FitImage(node.name, (node.strings("type") or [""])[0], len(content), sound, signed)


def _matches(node: Node, content: bytes) -> bool:
    algorithm = (node.strings("algo") or [""])[0]
    if algorithm not in ("sha1", "sha256", "sha384", "sha512"):
        raise FormatError(f"the FIT has a hash that is not known here: {algorithm!r}")
    return hashlib.new(algorithm, content).digest() == node.properties.get("value")


def public_key_node(modulus: int, bits: int, hint: str, exponent: int = 65537) -> Node:
    """The public key as U-Boot's control device tree has it, below /signature (U-Boot, lib/rsa/rsa-keyprop.c)."""
    base = 1 << 32
    inverse = (-pow(modulus, -1, base)) % base  # of the modulus, for Montgomery's multiplication
    size = bits // 8
    return Node(
        f"key-{hint}",
        {
            "required": strings("image"),
            "algo": strings(f"sha256,rsa{bits}"),
            "key-name-hint": strings(hint),
            "rsa,num-bits": cells(bits),
            "rsa,n0-inverse": cells(inverse),
            "rsa,exponent": exponent.to_bytes(8, "big"),
            "rsa,modulus": modulus.to_bytes(size, "big"),
            "rsa,r-squared": pow(1 << bits, 2, modulus).to_bytes(size, "big"),
        },
    )
