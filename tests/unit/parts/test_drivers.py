"""Driver sets, and what becomes of them in a kernel that has a driver as a module, built in, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from debs import deb, tar

from xenbuild.errors import DeclarationError, FormatError
from xenbuild.formats.deb import read_deb
from xenbuild.formats.kmod import module_name, parse_modinfo
from xenbuild.parts import modules
from xenbuild.parts.drivers import wanted
from xenbuild.spec.recipe import DriverSet, load_recipe, recipe_names

OWN = {"dom0-base", "nics", "storage", "virtio", "ext4", "erofs"}  # sets that are not ends of PV devices
CONFIG = """\
# a comment
CONFIG_XEN=y
CONFIG_HVC_XEN=y
CONFIG_X_FRONT=m
CONFIG_BOOL=y
CONFIG_S="=y"
# CONFIG_NO is not set
"""


def kernel(tmp_path: Path, config: str = CONFIG) -> Path:
    """A kernel's package with two modules, each a .modinfo section only."""
    path = tmp_path / "kernel.deb"
    files = {
        "./boot/config-6.1": config.encode(),
        "./lib/modules/6.1/modules.builtin": b"kernel/xen-fbfront.ko\n",
        "./lib/modules/6.1/x-front.ko": b"name=x_front\0depends=x_lib\0",
        "./lib/modules/6.1/x-lib.ko": b"name=x_lib\0depends=\0",
    }
    path.write_bytes(deb(tar(files)))
    return path


@pytest.fixture(autouse=True)
def modinfo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modules, "read_modinfo", parse_modinfo)


def resolved(path: Path, names: list[str], **options: str) -> list[str]:
    with read_deb(path) as package:
        return modules.closure(modules.Modules(package, options), names)


def test_a_driver_comes_with_what_it_needs_or_is_built_in(tmp_path: Path) -> None:
    path = kernel(tmp_path)
    assert resolved(path, ["x-front", "xen_fbfront"], x_front="CONFIG_X_FRONT") == ["x_lib", "x_front"]
    # What can be no module is in no list of the package but its configuration.
    assert resolved(path, ["hvc_xen"], hvc_xen="CONFIG_HVC_XEN") == []


@pytest.mark.parametrize("option", ["CONFIG_NO", "CONFIG_NEVER_HEARD_OF"])
def test_a_driver_that_the_kernel_lacks(option: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError) as caught:
        resolved(kernel(tmp_path), ["xen_hcd"], xen_hcd=option)
    assert str(caught.value) == f"kernel demo has no module xen_hcd: it is built without {option}"
    assert (
        caught.value.advice == f"give a kernel that is built with {option}=m or {option}=y, or take out the driver set"
    )


def test_a_module_whose_option_nobody_stated(tmp_path: Path) -> None:
    with pytest.raises(FormatError) as caught:
        resolved(kernel(tmp_path), ["x_frond"])
    assert (str(caught.value), caught.value.advice) == (
        "kernel demo has no module x_frond",
        "the nearest names are x_front, xen_fbfront",
    )


def test_what_must_be_built_in(tmp_path: Path) -> None:
    with read_deb(kernel(tmp_path)) as package:
        found = modules.Modules(package)
        found.check_builtin(["CONFIG_XEN", "CONFIG_BOOL"])
        for option in ("CONFIG_NO", "CONFIG_X_FRONT"):
            with pytest.raises(FormatError) as caught:
                found.check_builtin(["CONFIG_XEN", option])
            assert str(caught.value) == f"kernel demo is built without {option}"


def test_configuration() -> None:
    assert modules.parse_config(CONFIG) == {
        "CONFIG_XEN": "y", "CONFIG_HVC_XEN": "y", "CONFIG_X_FRONT": "m", "CONFIG_BOOL": "y", "CONFIG_S": "=y",
    }  # fmt: skip


def test_sets_are_joined_and_each_module_is_asked_for_once(tmp_path: Path) -> None:
    asked = wanted(["framebuffer", "keyboard", "console", "pv-on-hvm"], ["loop"], "x86_64", tmp_path, None)
    assert asked == {
        "modules": ["xen_fbfront", "xen_kbdfront", "loop"],
        "options": {"xen_fbfront": "CONFIG_XEN_FBDEV_FRONTEND", "xen_kbdfront": "CONFIG_INPUT_XEN_KBDDEV_FRONTEND"},
        "builtin": ["CONFIG_HVC_XEN", "CONFIG_HVC_XEN_FRONTEND", "CONFIG_XEN", "CONFIG_XEN_PVHVM_GUEST"],
    }
    assert "CONFIG_XEN_PVHVM_GUEST" not in wanted(["pv-on-hvm"], [], "arm64", tmp_path, None)["builtin"]


def test_an_unknown_set(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="there is no driver set 'sond'"):
        wanted(["sond"], [], "x86_64", tmp_path, None)


@pytest.mark.parametrize("name", recipe_names(DriverSet))
def test_every_set_says_what_it_is_for_and_which_options_it_rests_on(name: str) -> None:
    recipe = load_recipe(DriverSet, name)
    modules_of_all = {one for arch in ("x86_64", "arm64", "armv7") for one in recipe.modules_for(arch)}
    assert recipe.help and (modules_of_all or recipe.builtin_for("x86_64"))
    assert set(recipe.options) <= set(map(module_name, modules_of_all))
    options = [*recipe.options.values(), *recipe.builtin_for("x86_64")]
    assert all(option.startswith("CONFIG_") for option in options)
    if name not in OWN:
        assert any("XEN" in option for option in options), "an end of a PV device has an option of Xen's"
