"""A FLASK policy in a bundle: one more module, which Xen knows by its first bytes (on x86) or its node's name (on Arm).

Xen: docs/misc/xsm-flask.txt, docs/misc/arm/device-tree/booting.txt.
"""

from __future__ import annotations

from xenbuild.errors import DeclarationError
from xenbuild.formats.fdt import Node, cells, strings
from xenbuild.formats.flask import NAME, check_policy

XSM_POLICY = "xsm_policy"  # name of the part and of the action's input
ROLE = "xsm policy"
TITLE = "the FLASK policy"


def check(policy: bytes | memoryview, xen: bytes | memoryview) -> None:
    """Raises XenbuildError for a file that is no policy, and for a Xen that would pass over it."""
    check_policy(policy, "hypervisor.xsm_policy")
    if NAME not in bytes(xen):
        raise DeclarationError(
            "hypervisor.xsm_policy: this Xen is built without FLASK (CONFIG_XSM_FLASK)",
            advice="remove it, or set hypervisor.file to a Xen that has FLASK",
        )


def node(offset: int, size: int) -> Node:
    """The policy's node below /chosen; the loader adds where the bundle lies."""
    properties = {
        "compatible": strings("xen,xsm-policy", "multiboot,module"),
        "reg": cells(0, offset) + cells(0, size),
    }
    return Node(f"policy@{offset:x}", properties)
