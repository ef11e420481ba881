"""What a package says about itself, kept beside the tree of its files: for the bill of materials."""

from __future__ import annotations

import json

from xenbuild.formats.deb import Deb, read_deb
from xenbuild.plan.action import Action, Input, OutputOf
from xenbuild.plan.job import Job

_FIELDS = ("Package", "Version", "Architecture", "Source", "Maintainer", "Homepage", "Description")
_MOST = 1 << 20  # bytes of a copyright file that are looked at; the longest in Debian (chromium's) has 3 MiB


def about(deb: Deb) -> bytes:
    """Fields of the control file and the text of debian/copyright (or where a link in its place leads), as JSON."""
    package = deb.control.get("Package", "")
    folder = f"usr/share/doc/{package}"
    fields = {name.lower(): deb.control[name].split("\n")[0] for name in _FIELDS if name in deb.control}
    for member in deb.members():
        if member.name == f"{folder}/copyright" and member.kind == "file" and member.size <= _MOST:
            fields["copyright"] = deb.read(member).decode("utf-8", "replace")
        elif member.name in (folder, f"{folder}/copyright") and member.kind == "symlink":
            fields["documented by"] = member.target.removesuffix("/copyright").rpartition("/")[2]
    return json.dumps(fields, sort_keys=True, ensure_ascii=False).encode()


def keep(job: Job, deb: Deb) -> None:
    """Give the output "about" of an action that reads a package anyway, if it has one."""
    if "about" in job.action.outputs:
        job.put_file("about", job.store.put_bytes(about(deb)))


def read(name: str, deb: Input) -> OutputOf:
    """What a package says of itself, where no other action of the plan keeps it."""
    action = Action(f"read about {name}", "xenbuild.parts.about:run", {}, {"deb": deb}, ("about",))
    return action.output("about")


def run(job: Job) -> None:
    """Action: deb -> about."""
    with read_deb(job.path("deb"), scratch=job.folder) as deb:
        keep(job, deb)
