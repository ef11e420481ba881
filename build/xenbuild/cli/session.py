"""What the building verbs share: the declarations of the chosen targets with their store and lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from xenbuild.media import build as media
from xenbuild.media.results import Image
from xenbuild.parts.compiled import COMMANDS
from xenbuild.plan import history
from xenbuild.plan.needs import all_actions
from xenbuild.sources.lock import load_lock
from xenbuild.spec.data import data_dir
from xenbuild.spec.inputs import refers, uses
from xenbuild.spec.load import load, target_named, targets
from xenbuild.spec.model import Declaration, Target
from xenbuild.store.events import Event
from xenbuild.store.location import store_root
from xenbuild.store.store import Store
from xenbuild.trust.sums import CYCLONEDX, MANIFEST, PROVENANCE, SPDX, SUMS

DATA = ("recipes", "dom0-image", "pv-drivers", "hvkernel")


@dataclass(frozen=True, slots=True)
class Session:
    """Some targets of one declaration, ready to be planned and built."""

    file: Path
    declarations: tuple[Declaration, ...]
    store: Store

    @property
    def lock_file(self) -> Path:
        return self.file.with_name("xenbuild.lock")

    @property
    def out(self) -> Path:
        return self.file.parent / "out"

    def settings(
        self, jobs: int | None = None, offline: bool = False, events: Callable[[Event], None] = lambda event: None
    ) -> media.Settings:
        """How to build; without `jobs`, as many steps at a time as there are processors."""
        count = jobs or len(os.sched_getaffinity(0))
        return media.Settings(self.store, load_lock(self.lock_file), count, offline, events)

    def build(
        self, jobs: int | None = None, offline: bool = False, events: Callable[[Event], None] = lambda event: None
    ) -> list[Image]:
        """Build all images; remembers for `xenbuild why` what they were made of."""
        images, results = media.build(self.declarations, self.settings(jobs, offline, events), self.out)
        for declaration in self.declarations:
            history.remember(self.store, history.goal_name(self.file, str(declaration.target)), results.actions)
        return images

    def plan(self, jobs: int | None, offline: bool) -> list[str]:
        """Labels of all steps of all targets, in the order of the plan, each label once."""
        settings = self.settings(jobs, offline)
        plans = [media.plan(declaration, settings) for declaration in self.declarations]
        goals = [goal for made in plans for goal in made.goals]
        return list(dict.fromkeys(action.label for action in reversed(all_actions(goals))))

    def inputs(self) -> list[Path]:
        """Every file and folder that decides the result, for the no-op answer."""
        files = [file for declaration in self.declarations for file in (*declaration.files, *own_files(declaration))]
        return [*files, self.lock_file, *map(data_dir, DATA), self.file.parent / "recipes"]

    def outputs(self, images: Sequence[Image]) -> list[Path]:
        """The images and what lies beside them."""
        folders = {image.path.parent for image in images}
        names = (MANIFEST, SPDX, CYCLONEDX, PROVENANCE, "report.txt", SUMS, COMMANDS)
        beside = [folder / name for folder in sorted(folders) for name in names]
        maps = [image.map_path for image in images if image.map is not None]
        inside = [image.path / name for image in images for name in image.files or ()]
        return [*(image.path for image in images), *maps, *inside, *beside]


def own_files(declaration: Declaration) -> list[Path]:
    """The user's own files, and programs of this machine, that decide what a target is."""
    sources = declaration.sources.values()
    beside = [path for source in sources for path in (source.file, source.keyring) if path is not None]
    beside += [path for source in sources for path in source.program or ()]
    programs = [Path(found) for found in map(which, declaration.host_tools) if found]
    return [*(use.file for use in uses(declaration) if not refers(use.file)), *beside, *programs]


@contextmanager
def open_session(
    file: Path, names: Sequence[str], profiles: Sequence[str], variables: Mapping[str, str], *, every: bool = False
) -> Iterator[Session]:
    """Load the declarations of the named targets (the default one without names) and open the store."""
    chosen: list[Target]
    if every:
        chosen = targets(file, profiles)[0]
    elif names:
        chosen = [target_named(name, file, profiles) for name in dict.fromkeys(names)]
    else:
        chosen = [targets(file, profiles)[1]]
    declarations = tuple(load(file, target, profiles, variables) for target in chosen)
    with Store(store_root(os.environ)) as store:
        yield Session(file, declarations, store)
