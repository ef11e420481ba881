"""Prints what media cost after a warm build: {"iso": [seconds of ours, seconds of writing as many bytes], …}, and
"grub-mkrescue": [seconds of our CD, its seconds], alternating.

Runs in xenbuild's own Python environment and in the declaration's folder: media_times.py FOLDER-OF-THE-CODE ROUNDS
What is timed of ours is the last step alone, with the hashing and storing of its result; its inputs are there.
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
from pathlib import Path
from statistics import median

sys.path.insert(0, sys.argv[1])

from xenbuild.cli.session import Session, open_session
from xenbuild.media.build import build, plan, tools_tree
from xenbuild.plan.action import File, OutputOf, encode_action
from xenbuild.plan.code import Code
from xenbuild.plan.run import run
from xenbuild.spec.model import Declaration


def main() -> None:
    found: dict[str, list[float]] = {}
    with open_session(Path("xenbuild.yaml"), [], ["media"], {}) as session:
        declaration, settings = session.declarations[0], session.settings()
        build([declaration], settings, session.out)
        goals = plan(declaration, settings).images
        for image in declaration.images:
            goal = goals[image.name]
            inputs = [source for source in goal.action.inputs.values() if isinstance(source, OutputOf)]
            made = run(inputs, settings.store, jobs=1)
            known = {n: made[s] if isinstance(s, OutputOf) else s for n, s in goal.action.inputs.items()}
            key, _ = encode_action(goal.action, known, Code(settings.store).digest(goal.action.function))
            ours, floor = [], []
            for _ in range(int(sys.argv[2])):
                (settings.store.root / "ac" / key.hash[:2] / key.hash).unlink()
                began = time.monotonic()
                result = run([goal], settings.store, jobs=1)[goal]
                ours.append(time.monotonic() - began)
                if isinstance(result, File):
                    floor.append(written(settings.store.path(result.digest)))
            if floor:
                found[image.medium] = [median(ours), median(floor)]
        rescue = Rescue(session, declaration)
        found["grub-mkrescue"] = [found["iso"][0], median(rescue.seconds() for _ in range(int(sys.argv[2])))]
    print(json.dumps(found))


class Rescue:
    """GRUB's own maker of CDs with the same bundle and packages; for a BIOS alone, which is less than ours does."""

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
        made = run([bundle], settings.store, jobs=1)[bundle]
        shutil.copy(settings.store.path(made.digest), boot / "bundle.elf")
        (boot / "grub.cfg").write_text("menuentry x {\n\tmultiboot2 /boot/grub/bundle.elf\n}\n")

    def seconds(self) -> float:
        words = ["-d", str(self.modules), "--fonts=", "--locales=", "--themes=", "-o", str(self.folder / "cd.iso")]
        environment = {**os.environ, "PATH": f"{self.programs}:{os.environ['PATH']}"}
        began = time.monotonic()
        argv = [str(self.programs / "grub-mkrescue"), *words, str(self.folder / "tree")]
        done = subprocess.run(argv, env=environment, capture_output=True, text=True)
        assert not done.returncode, done.stderr
        return time.monotonic() - began


def written(image: Path) -> float:
    """Seconds to write the image's mapped bytes to a disk."""
    size = image.stat().st_blocks * 512
    with image.open("rb") as file, tempfile.TemporaryFile(dir=image.parent) as target:
        data = file.read(size)
        began = time.monotonic()
        target.write(data)
        target.flush()
        os.fsync(target.fileno())
        return time.monotonic() - began


main()
