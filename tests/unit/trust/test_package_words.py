"""The action that gathers what packages say, and which of them are in the image at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from xenbuild.errors import FormatError
from xenbuild.formats.deb import DebMember
from xenbuild.parts.about import about
from xenbuild.plan.action import Action, Artifact, File, TreeOf
from xenbuild.plan.job import Job
from xenbuild.plan.process import Processes
from xenbuild.store.store import Store
from xenbuild.store.tree import FileEntry, LinkEntry, Tree
from xenbuild.trust.packages import run

DEP5 = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: PD\n Words.\n"


@pytest.fixture
def gathered(tmp_path: Path) -> dict[str, Any]:
    """One package is whole in the image, of one there is nothing, and one has a file that another replaced."""
    with Store(tmp_path / "store") as store:
        one, two, three = (FileEntry(store.put_bytes(text)) for text in (b"1", b"2", b"3"))
        trees = {"a": {"usr/a": one}, "b": {"usr/b": two, "usr/link": LinkEntry("a")}, "c": {"usr/a": three}}
        inputs: dict[str, Artifact] = {f"0.{n}": TreeOf(store.put_tree(Tree(tree))) for n, tree in trees.items()}
        inputs["0"] = TreeOf(store.put_tree(Tree({"usr/a": one, "usr/link": LinkEntry("a")})))
        for name in trees:
            said = {"package": name, "maintainer": "M", **({"copyright": DEP5} if name == "a" else {})}
            inputs[name] = File(store.put_bytes(json.dumps(said).encode()))
        params = {
            "names": {name: f"{name} 1 amd64" for name in trees},
            "picked": [{"tree": "0", "packages": {f"0.{name}": f"{name} 1 amd64" for name in trees}}],
        }
        action = Action("describe", "xenbuild.trust.packages:run", params, outputs=("packages",))
        with store.scratch() as folder:
            job = Job(action, inputs, store, folder, Processes(), lambda done, total: None)
            run(job)
            content: dict[str, Any] = json.loads(job.out("packages").read_text())
    return content


def test_only_what_is_in_the_tree_was_used(gathered: dict[str, Any]) -> None:
    used = {id.split()[0]: fields["used"] for id, fields in gathered["packages"].items()}
    assert used == {"a": True, "b": False, "c": False}


def test_licences(gathered: dict[str, Any]) -> None:
    (reference, (name, text)) = next(iter(gathered["texts"].items()))
    assert (name, text) == ("PD", "Words.")
    licences = [fields["licence"] for fields in gathered["packages"].values()]
    assert licences == [reference, "NOASSERTION", "NOASSERTION"]
    assert "copyright" not in gathered["packages"]["a 1 amd64"], "its text is not repeated in every bill"


class FakeDeb:
    """A package in words."""

    def __init__(self, members: dict[str, str], **control: str) -> None:
        self.control = control
        self._members = members

    def members(self) -> list[DebMember]:
        return [
            DebMember(name, "symlink" if text.startswith("->") else "file", 0o644, len(text), text[2:], 0)
            for name, text in self._members.items()
        ]

    def read(self, member: DebMember) -> bytes:
        return self._members[member.name].encode()


def test_what_a_package_says_about_itself() -> None:
    deb = FakeDeb(
        {"usr/share/doc/a/copyright": "words", "usr/share/doc/b/copyright": "other words"},
        Package="a",
        Maintainer="M <m@example.org>",
        Description="short\nlong",
        Priority="optional",
    )
    assert json.loads(about(deb)) == {  # type: ignore[arg-type]
        "package": "a",
        "maintainer": "M <m@example.org>",
        "description": "short",
        "copyright": "words",
    }


@pytest.mark.parametrize("name", ["usr/share/doc/a", "usr/share/doc/a/copyright"])
def test_a_package_that_is_documented_by_another(name: str) -> None:
    target = "->../b/copyright" if name.endswith("copyright") else "->b"
    assert json.loads(about(FakeDeb({name: target}, Package="a")))["documented by"] == "b"  # type: ignore[arg-type]


def test_damage_is_told(tmp_path: Path) -> None:
    from xenbuild.trust.licences import Licences
    from xenbuild.trust.packages import describe

    with pytest.raises(FormatError, match="what a 1 amd64 says about itself is damaged"):
        describe(b"{", "a 1 amd64", Licences())
