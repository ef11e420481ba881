"""Prints what media cost after a warm build, as JSON: {"media": {NAME: [ours, all, mapped]}, "rescue": [ours, theirs],
"script": [ours, that of mtools], "command": seconds}.

`ours`: the step that writes the medium with the hashing and storing of its result, which ends with fdatasync; `all`:
copying the finished file, read and write of a mebibyte at a time, and fdatasync; `mapped`: only what is no hole. All in
seconds, medians, in turns.
`command`: all of `xenbuild image` when the disk has to be written anew.

Runs in xenbuild's own Python environment and in the declaration's folder: media_times.py FOLDER-OF-THE-CODE ROUNDS
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

sys.path.insert(0, sys.argv[1])

from xenbuild.cli.session import Session, open_session
from xenbuild.formats.fatread import is_fat, read_fat
from xenbuild.formats.gpt import read_gpt
from xenbuild.media.build import build, plan, tools_tree
from xenbuild.plan.action import File, OutputOf, encode_action
from xenbuild.plan.code import Code
from xenbuild.plan.run import run
from xenbuild.spec.model import Declaration
from xenbuild.store.digest import Digest
from xenbuild.store.events import Event
from xenbuild.store.files import data_of
from xenbuild.store.store import Store

CHUNK = 1 << 20
FAT32 = 33 << 20  # bytes of the smallest one


def main() -> None:
    rounds = int(sys.argv[2])
    found: dict[str, list[float]] = {}
    said: dict[str, object] = {"media": found}
    with open_session(Path("xenbuild.yaml"), [], ["media"], {}) as session:
        declaration, settings = session.declarations[0], session.settings()
        build([declaration], settings, session.out)
        goals = plan(declaration, settings).images
        steps = [Step(settings.store, image.medium, goals[image.name]) for image in declaration.images]
        for step in steps:
            if step.is_file:
                found[step.medium] = measured(rounds, step.ours, step.write_all, step.write_mapped)
        cd, rescue = next(step for step in steps if step.medium == "iso"), Rescue(session, declaration)
        with rescue:
            said["rescue"] = measured(rounds, cd.ours, rescue.seconds)
        disk = next(step for step in steps if step.medium == "raw")
        script = Script(session, declaration, disk)
        with script:
            said["script"] = measured(rounds, disk.ours, script.seconds)
        said["command"] = measured(rounds, disk.command)[0]
    print(json.dumps(said))


def measured(rounds: int, *ways: Callable[[], float]) -> list[float]:
    """Medians of seconds; the ways take turns, so that what else the machine does meets all of them."""
    seconds = [[way() for way in ways] for _ in range(rounds)]
    return [median(column) for column in zip(*seconds, strict=True)]


class Step:
    """The last step of one medium, whose inputs are there."""

    def __init__(self, store: Store, medium: str, goal: OutputOf) -> None:
        self.store, self.medium, self.goal = store, medium, goal
        inputs = [source for source in goal.action.inputs.values() if isinstance(source, OutputOf)]
        made = run(inputs, store, jobs=1)
        known = {n: made[s] if isinstance(s, OutputOf) else s for n, s in goal.action.inputs.items()}
        self.key, _ = encode_action(goal.action, known, Code(store).digest(goal.action.function))
        result = run([goal], store, jobs=1)[goal]
        self.is_file, self.digest = isinstance(result, File), result.digest

    def forget(self) -> None:
        """Take result and content away: otherwise the content would be found there, and the new one be removed."""
        (self.store.root / "ac" / self.key.hash[:2] / self.key.hash).unlink()
        self.store.drop(self.digest)

    def ours(self) -> float:
        self.forget()
        settle(self.store)
        events: list[Event] = []
        result = run([self.goal], self.store, jobs=1, events=events.append)[self.goal]
        assert result.digest == self.digest, "the same bytes each time"
        return sum(event.seconds for event in events if event.kind == "done")

    def write_all(self) -> float:
        return self._written(lambda fd, size: iter([(0, size)]))

    def write_mapped(self) -> float:
        return self._written(data_of)

    def _written(self, extents: Callable[[int, int], Iterator[tuple[int, int]]]) -> float:
        path, size = self.store.path(self.digest), self.digest.size
        with path.open("rb") as file, tempfile.NamedTemporaryFile(dir=self.store.root, buffering=0) as target:
            settle(self.store)
            buffer = memoryview(bytearray(CHUNK))
            began = time.monotonic()
            for start, end in extents(file.fileno(), size):
                for at in range(start, end, CHUNK):
                    count = os.preadv(file.fileno(), [buffer[: min(CHUNK, end - at)]], at)
                    os.pwrite(target.fileno(), buffer[:count], at)
            target.truncate(size)
            return time.monotonic() - began + synced(Path(target.name))

    def command(self) -> float:
        self.forget()
        for path in Path("out").glob("*/*.raw"):
            path.unlink()
        began = time.monotonic()
        argv = ["scripts/xenbuild", "image", "--profile", "media"]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
        return time.monotonic() - began


def settle(store: Store) -> None:
    """Have done with what was removed before: nobody's fsync is to wait for it."""
    with tempfile.NamedTemporaryFile(dir=store.root) as file:
        os.fsync(file.fileno())


def synced(path: Path) -> float:
    """Seconds until a file is on the disk."""
    began = time.monotonic()
    fd = os.open(path, os.O_RDONLY)
    os.fdatasync(fd)
    os.close(fd)
    return time.monotonic() - began


class Script:
    """The same disk by the programs that others make theirs of, as a script would: sgdisk, mformat, mcopy, dd."""

    def __init__(self, session: Session, declaration: Declaration, disk: Step) -> None:
        self.tree = tools_tree(declaration, session.settings(), "test-media")
        self.folder = Path(tempfile.mkdtemp(prefix="xenbuild-bench-", dir=disk.store.root))
        image = disk.store.path(disk.digest).read_bytes()
        self.size, self.parts = len(image), read_gpt(image, "the disk").partitions
        self.files: dict[str, dict[str, Path]] = {}
        for part in self.parts:
            inside = image[part.offset : part.offset + part.size]
            if is_fat(inside):
                self.files[part.name] = {}
                for name, content in read_fat(inside, part.name).files.items():
                    place = self.folder / part.name / name
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_bytes(content)
                    self.files[part.name][name] = place
            else:
                (self.folder / part.name).write_bytes(inside.rstrip(b"\0"))

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder)

    def seconds(self) -> float:
        image = self.folder / "disk"
        image.unlink(missing_ok=True)
        began = time.monotonic()
        with image.open("wb") as file:
            file.truncate(self.size)
        words = [f"--new={n}:{p.first}:{p.last}" for n, p in enumerate(self.parts, 1)]
        words += [f"--change-name={n}:{p.name}" for n, p in enumerate(self.parts, 1)]
        self._run("sgdisk", *words, str(image))
        for part in self.parts:
            if part.name not in self.files:
                copy = ["dd", f"if={self.folder / part.name}", f"of={image}", "bs=1M", "conv=notrunc"]
                subprocess.run([*copy, f"seek={part.offset >> 20}"], check=True, capture_output=True)
                continue
            where = ["-i", f"{image}@@{part.offset}"]
            kind = ["-F"] if part.size >= FAT32 and self.files[part.name] else []
            self._run("mformat", *where, *kind, "-T", str(part.size // 512), "-h", "255", "-s", "63", "::")
            folders = sorted({str(Path(name).parent) for name in self.files[part.name]} - {"."})
            folders = sorted({*folders, *(str(one) for f in folders for one in Path(f).parents if str(one) != ".")})
            if folders:
                self._run("mmd", *where, *(f"::/{one}" for one in folders))
            for name, source in self.files[part.name].items():
                self._run("mcopy", *where, str(source), f"::/{name}")
        return time.monotonic() - began + synced(image)

    def _run(self, program: str, *words: str) -> None:
        subprocess.run([*self.tree.argv(program), *words], check=True, capture_output=True)


class Rescue:
    """GRUB's own maker of CDs with the same bundle and packages; for a BIOS alone, which is less than ours does.

    More platforms at once it only finds in /usr/lib/grub, which a tools tree is not.
    """

    def __init__(self, session: Session, declaration: Declaration) -> None:
        settings = session.settings()
        self.modules = tools_tree(declaration, settings, "grub-x86").root / "usr/lib/grub/i386-pc"
        self.folder = Path(tempfile.mkdtemp(prefix="xenbuild-bench-"))
        self.programs = self.folder / "bin"
        self.programs.mkdir()
        for group, names in (("media", ("grub-mkrescue", "xorriso")), ("test-media", ("mformat", "mcopy"))):
            tree = tools_tree(declaration, settings, group)
            for name in names:
                script = self.programs / name
                script.write_text(f'#!/bin/sh\nexec {shlex.join(tree.argv(name))} "$@"\n')
                script.chmod(0o755)
        boot = self.folder / "tree/boot/grub"
        boot.mkdir(parents=True)
        bundle = plan(declaration, settings).compose.output("bundle")
        made: Digest = run([bundle], settings.store, jobs=1)[bundle].digest
        shutil.copy(settings.store.path(made), boot / "bundle.elf")
        (boot / "grub.cfg").write_text("menuentry x {\n\tmultiboot2 /boot/grub/bundle.elf\n}\n")

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder)

    def seconds(self) -> float:
        image = self.folder / "cd.iso"
        image.unlink(missing_ok=True)
        words = [
            "-d",
            str(self.modules),
            "--fonts=",
            "--locales=",
            "--themes=",
            "-o",
            str(image),
            str(self.folder / "tree"),
        ]
        environment = {**os.environ, "PATH": f"{self.programs}:{os.environ['PATH']}"}
        began = time.monotonic()
        argv = [str(self.programs / "grub-mkrescue"), *words]
        done = subprocess.run(argv, env=environment, capture_output=True, text=True)
        assert not done.returncode, done.stderr
        return time.monotonic() - began + synced(image)


main()
