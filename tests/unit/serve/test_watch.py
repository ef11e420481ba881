"""What counts as a change of the files that a build was made from."""

from __future__ import annotations

from pathlib import Path

from xenbuild.serve.watch import built_from, state


def test_what_changes_while_a_build_runs_is_a_change(tmp_path: Path) -> None:
    watched = tmp_path / "xenbuild.yaml"
    watched.write_text("a")
    before = state([watched])
    watched.write_text("changed while it was built")
    assert built_from(before, state([watched])) != state([watched])


def test_a_file_that_a_build_brought_in_is_none(tmp_path: Path) -> None:
    watched, brought, left = (tmp_path / name for name in ("xenbuild.yaml", "part.yaml", "old.yaml"))
    for file in (watched, brought, left):
        file.write_text(file.name)
    before = state([watched, left])
    now = state([watched, brought])
    assert built_from(before, now) == now


def test_a_folder_counts_with_all_that_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "within").mkdir()
    before = state([tmp_path])
    (tmp_path / "within" / "file").write_text("new")
    assert state([tmp_path]) != before
    (tmp_path / "within" / "file").unlink()
    assert state([tmp_path]) == before
