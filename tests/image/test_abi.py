"""Our ABI headers say what Xen's own say (libxen-dev): every constant, every structure, on both architectures."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from abi import Compiler, Layout, constants_in, structures_in

from xenbuild.parts.compiler import FLAGS
from xenbuild.parts.toolstree import ToolsTree

pytestmark = pytest.mark.image

TOP = Path(__file__).parents[2]
SETS = sorted(path.stem for path in (TOP / "tests/image/abi").glob("*.yaml"))
TRIPLES = {"ia32": "i386-unknown-none-elf", "x86_64": "x86_64-unknown-none-elf"}
XEN = (
    "xen", "errno", "sched", "vcpu", "version", "features", "memory", "event_channel", "grant_table", "physdev",
    "callback", "domctl", "sysctl", "elfnote", "nmi", "io/blkif", "io/netif", "io/xs_wire", "io/console", "io/ring",
    "io/fbif", "io/kbdif", "io/protocols", "io/xenbus",
)  # fmt: skip


class Side:
    """One set of our headers for an architecture."""

    def __init__(self, name: str, arch: str) -> None:
        self.words: dict[str, Any] = yaml.safe_load((TOP / f"tests/image/abi/{name}.yaml").read_text())
        patterns = [pattern.format(arch=arch) for pattern in self.words["headers"]]
        self.headers = [path for pattern in patterns for path in sorted(TOP.glob(pattern))]
        self.include = [TOP / folder.format(arch=arch) for folder in self.words["include"]]
        self.arch = arch
        self.register = {"ia32": "e", "x86_64": "r"}[arch]

    def constants(self) -> dict[str, str]:
        """Our constants -> Xen's."""
        names = filter(self._counts, constants_in(self.headers))
        return {name: _renamed(name, self.words["constants"]) for name in names}

    def structures(self) -> dict[str, dict[str, Any]]:
        """Our structures -> what the file says of them."""
        known: dict[str, dict[str, Any]] = self.words["structures"]
        found = list(filter(self._counts, structures_in(self.headers)))
        assert set(found) == set(filter(self._counts, known)), "which structures there are, and which are named"
        return {name: known[name] for name in found}

    def _counts(self, name: str) -> bool:
        """Whether a name of ours is one of the ABI of this architecture."""
        others = [self.words.get(f"only_{arch}", ()) for arch in TRIPLES if arch != self.arch]
        return not any(re.fullmatch(pattern, name) for pattern in itertools.chain(self.words["ours"], *others))

    def member(self, path: str, each: Mapping[str, Any]) -> str:
        """Xen's name of a member of ours, "" for one to leave out; {r} is what names of registers begin with."""
        rules = {**each.get("members", {}), **each.get(f"members_{self.arch}", {})}
        return _renamed(path, rules).replace("{r}", self.register)


def _renamed(name: str, rules: Mapping[str, str]) -> str:
    """A name by the first rule that fits it; a pattern that ends with \\b may be followed by more.

    In what it becomes, {lower} is group 1 and {all} the whole name in lower case.
    """
    for pattern, text in rules.items():
        if found := re.fullmatch(rf"(?:{pattern})(?P<more>.*)" if pattern.endswith(r"\b") else pattern, name):
            made = found.expand(text) + (found["more"] if pattern.endswith(r"\b") else "")
            return re.sub(r"\{(lower|all)\}", lambda word: found[word[1] == "lower"].lower(), made)
    return name


@pytest.fixture(scope="module")
def compilers(tools_group: Callable[[str], ToolsTree]) -> Callable[[Side, str], tuple[Compiler, Compiler]]:
    """What compiles our headers, and Xen's."""
    tools = tools_group("build")
    headers = max((tools.root / "usr/lib").glob("llvm-*/lib/clang/*"))
    clang, flags = tools.argv("clang"), ["-resource-dir", str(headers), *FLAGS, "-std=gnu11", "-ferror-limit=0"]
    public = tools_group("test-abi").root / "usr/include"

    def made(side: Side, arch: str) -> tuple[Compiler, Compiler]:
        words = [*flags, f"--target={TRIPLES[arch]}"]
        ours = "".join(f'#include "{path}"\n' for path in side.headers)
        # with what only tools see
        theirs = "\n".join(["#include <stdint.h>", "#include <stddef.h>", "#define __XEN_TOOLS__ 1"])
        theirs += "".join(f"\n#include <xen/{name}.h>" for name in XEN)
        # A ring of one entry that fills its page.
        theirs += (
            "\nstruct whole { uint8_t bytes[4096 - 64]; };\nDEFINE_RING_TYPES(measured, struct whole, struct whole);\n"
        )
        return (
            Compiler(clang, [*words, *(f"-I{path}" for path in side.include)], ours),
            Compiler(clang, [*words, f"-I{public}"], theirs),
        )

    return made


@pytest.fixture(params=[f"{name} {arch}" for name in SETS for arch in TRIPLES])
def side(request: pytest.FixtureRequest) -> tuple[Side, str]:
    name, arch = request.param.split()
    return Side(name, arch), arch


def test_constants_are_xens(
    side: tuple[Side, str], compilers: Callable[[Side, str], tuple[Compiler, Compiler]], tmp_path: Path
) -> None:
    ours, theirs = compilers(*side)
    names = side[0].constants()
    mine, _ = ours.measure(list(names), [], tmp_path / "ours")
    real, _ = theirs.measure(list(names.values()), [], tmp_path / "xen")
    wrong = [
        f"{a} = {x:#x}, Xen's {b} = {y:#x}" for (a, b), x, y in zip(names.items(), mine, real, strict=True) if x != y
    ]
    assert not wrong
    assert len(names) >= side[0].words["least"]["constants"]


def test_structures_are_xens(
    side: tuple[Side, str], compilers: Callable[[Side, str], tuple[Compiler, Compiler]], tmp_path: Path
) -> None:
    ours, theirs = compilers(*side)
    known = side[0].structures()
    _, mine = ours.measure([], [f"struct {name}" for name in known], tmp_path / "ours")
    _, real = theirs.measure([], [each["xen"] for each in known.values()], tmp_path / "xen")
    wrong = [
        f"struct {name}: {problem}"
        for (name, each), own, xen in zip(known.items(), mine, real, strict=True)
        for problem in differences(side[0], each, own, xen)
    ]
    assert not wrong, "\n".join(wrong)
    assert sum(len(layout.without_padding()) for layout in mine) >= side[0].words["least"]["members"]


def differences(side: Side, each: Mapping[str, Any], own: Layout, xen: Layout) -> list[str]:
    """What is wrong with a structure of ours. One with "part" is shorter than Xen's, which goes on behind it."""
    part = each.get("part", False)
    found = [] if part or own.size == xen.size else [f"{own.size} bytes, Xen's {xen.size}"]
    covered: set[int] = set()
    for path, (at, size) in own.without_padding().items():
        name = side.member(path, each)
        covered.update(range(at, at + size))
        if name and xen.fields.get(name) != (at, size):
            found.append(f"{path} at {at}, {size} bytes; Xen's {name} at {xen.fields.get(name)}")
    for path, (at, size) in xen.without_padding().items():
        missing = covered.isdisjoint(range(at, at + size)) and not (part and at >= own.size)
        if missing and not re.fullmatch(each.get("unused", ""), path):
            found.append(f"nothing is where Xen has {path}")
    return found
