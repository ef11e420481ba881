"""Every driver set against the kernels of both releases: resolved, or refused with the option that is not set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from project import TOP

from xenbuild.errors import FormatError
from xenbuild.formats.deb import read_deb
from xenbuild.media.build import Settings
from xenbuild.parts.drivers import wanted
from xenbuild.parts.modules import Modules, closure
from xenbuild.parts.requests import part_requests
from xenbuild.sources.fetch import Downloads
from xenbuild.sources.lock import load_lock
from xenbuild.spec.load import load, target_named
from xenbuild.spec.recipe import DriverSet, Release, load_recipe, recipe_names
from xenbuild.store.digest import Digest

pytestmark = pytest.mark.image
DECLARATIONS = {"bookworm": TOP / "xenbuild.yaml", "trixie": TOP / "tests/image/trixie/xenbuild.yaml"}
# What no kernel of Debian has, and what those of Arm lack.
NEVER = {"usb": "CONFIG_USB_XEN_HCD", "pvcalls": "CONFIG_XEN_PVCALLS_FRONTEND"}
NEVER["pvcalls-backend"] = "CONFIG_XEN_PVCALLS_BACKEND"
NOT_ON_ARM = {"display": "CONFIG_DRM_XEN_FRONTEND", "pci-frontend": "CONFIG_XEN_PCIDEV_FRONTEND"}
NOT_ON_ARM["tpm"] = "CONFIG_TCG_XEN"
# Of each set one module that it must have brought, where it is not built in.
BRINGS = {
    "block": "xen_blkfront", "net": "xen_netfront", "9pfs": "9pnet_xen", "scsi": "xen_scsifront", "tpm": "xen_tpmfront",
    "scsi-backend": "xen_scsiback", "sound": "snd_xen_front", "display": "drm_xen_front", "watchdog": "xen_wdt",
    "block-backend": "xen_blkback", "net-backend": "xen_netback", "pci-frontend": "xen_pcifront",
    "passthrough": "xen_pciback", "ext4": "ext4", "erofs": "erofs",
}  # fmt: skip
KERNELS = [
    pytest.param(("bookworm", "x86_64"), id="bookworm-x86_64"),
    pytest.param(("trixie", "x86_64"), id="trixie-x86_64"),
    pytest.param(("bookworm", "armv7"), id="bookworm-armv7"),
    pytest.param(("bookworm", "arm64"), id="bookworm-arm64", marks=pytest.mark.slow),
    pytest.param(("trixie", "arm64"), id="trixie-arm64", marks=pytest.mark.slow),
]


@pytest.fixture(scope="module", params=KERNELS)
def kernel(request: pytest.FixtureRequest, settings: Settings) -> Iterator[tuple[str, Callable[[str], list[str]]]]:
    """A kernel's architecture, and what resolves a driver set in its package."""
    release, arch = request.param
    file = DECLARATIONS[release]
    declaration = load(file, target_named(f"{arch}/xen", file))
    asked = part_requests(declaration, load_recipe(Release, release))["kernel"]
    lock = load_lock(file.with_name("xenbuild.lock"))
    package = max(lock.packages(asked), key=lambda p: p.size)
    with Downloads([package], lock, settings.store, offline=False, events=lambda event: None) as downloads:
        downloads.wait(Digest(package.sha256, package.size))
    with read_deb(settings.store.path(Digest(package.sha256, package.size))) as deb:

        def resolve(name: str) -> list[str]:
            parameters = wanted([name], [], arch, Path(), None)
            modules = Modules(deb, parameters["options"])
            modules.check_builtin(parameters["builtin"])
            return closure(modules, parameters["modules"])

        yield arch, resolve


@pytest.mark.parametrize("name", recipe_names(DriverSet))
def test_a_driver_set(name: str, kernel: tuple[str, Callable[[str], list[str]]]) -> None:
    arch, resolve = kernel
    lacking = NEVER if arch == "x86_64" else NEVER | NOT_ON_ARM
    if name in lacking:
        with pytest.raises(FormatError, match=f"built without {lacking[name]}$"):
            resolve(name)
        return
    made = resolve(name)
    assert name not in BRINGS or BRINGS[name] in made
