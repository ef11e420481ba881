"""The store on disk: what goes in comes out, damage is absence, and the host's refusals are put into words."""

from __future__ import annotations

import errno
import json
import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from xenbuild.cli.gc import command
from xenbuild.errors import HostError, IntegrityError
from xenbuild.formats.extents import Content, Extents, write_content
from xenbuild.store import files, statcache
from xenbuild.store.digest import Digest
from xenbuild.store.gc import collect
from xenbuild.store.location import store_root
from xenbuild.store.store import Store
from xenbuild.store.tree import DirEntry, FileEntry, LinkEntry, Tree


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "cache") as store:
        yield store


def test_content_comes_back_read_only(store: Store) -> None:
    digest = store.put_bytes(b"hello")
    assert store.path(digest).read_bytes() == b"hello"
    assert store.path(digest).stat().st_mode & 0o777 == 0o444
    assert store.put_bytes(b"hello") == digest


def test_absent_content_is_an_error(store: Store) -> None:
    digest = Digest.of(b"nobody has stored this")
    assert not store.has(digest)
    with pytest.raises(IntegrityError, match=f"^the store lacks content {digest.hash[:16]}… of 22 bytes$"):
        store.path(digest)


def test_truncated_content_is_absent_and_can_be_put_again(store: Store) -> None:
    digest = store.put_bytes(b"hello")
    path = store.path(digest)
    path.chmod(0o644)
    path.write_bytes(b"hell")
    assert not store.has(digest)
    assert store.put_bytes(b"hello") == digest
    assert store.path(digest).read_bytes() == b"hello"


def test_read_detects_altered_content_of_the_same_size(store: Store) -> None:
    digest = store.put_bytes(b"hello")
    path = store.path(digest)
    path.chmod(0o644)
    path.write_bytes(b"hullo")
    with pytest.raises(IntegrityError):
        store.read(digest)
    assert not store.has(digest)


@pytest.mark.parametrize("move", [False, True])
def test_put_file(store: Store, tmp_path: Path, move: bool) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 3_000_000)
    digest = store.put_file(source, move=move)
    assert digest == Digest.of(b"x" * 3_000_000)
    assert source.exists() is not move
    assert store.has(digest)


def test_moving_a_file_that_has_other_names_leaves_these_alone(store: Store, tmp_path: Path) -> None:
    source, other = tmp_path / "source", tmp_path / "other"
    source.write_bytes(b"mine")
    other.hardlink_to(source)
    digest = store.put_file(source, move=True)
    other.write_bytes(b"ours")
    assert store.path(digest).read_bytes() == b"mine"


def test_unchanged_file_is_not_read_again(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statcache, "SETTLED_NS", -1)
    source = tmp_path / "source"
    source.write_bytes(b"one")
    digest = store.digest_of(source)
    with monkeypatch.context() as patch:
        patch.setattr(files, "hash_file", lambda path: pytest.fail("was read again"))
        assert store.digest_of(source) == digest
    source.write_bytes(b"two")
    assert store.digest_of(source) == Digest.of(b"two")


def sparse(folder: Path, pieces: list[tuple[int, bytes]], size: int) -> Path:
    path = folder / "sparse"
    with path.open("wb") as file:
        for at, data in pieces:
            file.seek(at)
            file.write(data)
        file.truncate(size)
    return path


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 5 << 20), st.binary(min_size=1, max_size=9000), st.booleans()), max_size=5),
    st.integers(0, 1 << 20),
)
def test_a_file_of_extents_is_written_and_hashed_as_any_other(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[int, bytes, bool]], more: int
) -> None:
    """Bytes and files at any distance: the file, its holes and its digest are those that plain writing makes."""
    folder = tmp_path_factory.mktemp("extents")
    extents, pieces, behind = Extents(), [], 0
    for number, (gap, data, is_file) in enumerate(drawn):
        extents.seek(behind + gap)
        source = folder / str(number)
        source.write_bytes(data)
        assert (extents.copy(source) if is_file else extents.write(data)) == len(data)
        pieces.append((behind + gap, data))
        behind += gap + len(data)
    plain = sparse(folder, pieces, behind + more)
    digest = files.write_hashed(extents, behind + more, folder / "made")
    assert digest == Digest.of(plain.read_bytes()) == files.hash_file(plain) == files.hash_file(folder / "made")
    assert (folder / "made").read_bytes() == plain.read_bytes()
    assert (folder / "made").stat().st_blocks <= plain.stat().st_blocks + 8


def test_extents_of_several_chunks(tmp_path: Path) -> None:
    """They are given to the disk by pieces: each of them once, at its place, without an end that is no whole piece."""
    words = b"".join(number.to_bytes(4) for number in range(files.CHUNK))  # 4 chunks, no two parts alike
    (tmp_path / "part").write_bytes(words[:-5])
    extents = Extents()
    pieces: list[tuple[int, Content]] = [(3, words[: files.CHUNK + 7]), (5 * files.CHUNK + 1, tmp_path / "part")]
    for at, content in pieces:
        extents.seek(at)
        write_content(extents, content)
    plain = words[: files.CHUNK + 7].rjust(files.CHUNK + 10, b"\0").ljust(5 * files.CHUNK + 1, b"\0") + words[:-5]
    assert files.write_hashed(extents, len(plain) + 9, tmp_path / "made") == Digest.of(plain + bytes(9))
    assert (tmp_path / "made").read_bytes() == plain + bytes(9)


def test_extents_are_stored_by_their_digest(store: Store, tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(b"part")
    extents = Extents()
    extents.seek(3)
    extents.copy(tmp_path / "part")
    digest = store.put_extents(extents, 10)
    assert digest == Digest.of(b"\0\0\0part\0\0\0")
    assert store.read(digest) == b"\0\0\0part\0\0\0"
    assert store.put_extents(extents, 10) == digest
    assert not [path for path in (store.root / "scratch").rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_extents_that_cannot_be(store: Store, tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(b"part")
    extents = Extents()
    extents.copy(tmp_path / "part")
    with pytest.raises(ValueError, match="4 bytes in a file of 3"):
        store.put_extents(extents, 3)
    extents.seek(2)
    extents.write(b"x")
    with pytest.raises(ValueError, match="bytes 2 to 4 are written twice"):
        store.put_extents(extents, 10)
    cut = Extents()
    cut.copy(tmp_path / "part")
    (tmp_path / "part").write_bytes(b"par")
    with pytest.raises(HostError, match=r"cannot use .*part"):
        store.put_extents(cut, 4)
    assert not list((store.root / "cas").glob("*/*"))


def test_a_change_that_left_the_time_as_it_was_is_not_remembered(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xenbuild.store.statcache.SETTLED_NS", 10**15)
    source = tmp_path / "source"
    source.write_bytes(b"one")
    os.utime(source, ns=(0, 0))  # ctime is now
    store.digest_of(source)
    assert not list((store.root / "stat").glob("*/*"))


def test_file_that_changed_just_now_is_not_remembered(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"one")
    os.utime(source, ns=(0, time.time_ns() + 10**9))
    store.digest_of(source)
    assert not list((store.root / "stat").glob("*/*"))


def test_materialised_tree(store: Store) -> None:
    tree = Tree(
        {
            "a/program": FileEntry(store.put_bytes(b"same"), executable=True),
            "a/data": FileEntry(store.put_bytes(b"same")),
            "a/link": LinkEntry("data"),
            "empty/inner": DirEntry(),
        }
    )
    path = store.materialise(store.put_tree(tree))
    assert path == store.materialise(store.put_tree(tree))
    assert (path / "a/program").stat().st_mode & 0o777 == 0o555
    assert (path / "a/data").stat().st_mode & 0o777 == 0o444
    assert (path / "a/data").samefile(store.path(Digest.of(b"same")))
    assert (path / "a/link").read_bytes() == b"same"
    assert (path / "empty/inner").is_dir()


def test_a_folder_of_the_scratch_space_becomes_a_tree(store: Store) -> None:
    with store.scratch() as scratch:
        (scratch / "a/empty").mkdir(parents=True)
        (scratch / "a/file").write_bytes(b"text")
        (scratch / "program").write_bytes(b"run")
        (scratch / "program").chmod(0o700)
        (scratch / "link").symlink_to("a/file")
        digest = store.take_folder(scratch)
        assert not (scratch / "program").exists()
    assert store.get_tree(digest) == Tree(
        {
            "a/empty": DirEntry(),
            "a/file": FileEntry(Digest.of(b"text"), False),
            "link": LinkEntry("a/file"),
            "program": FileEntry(Digest.of(b"run"), True),
        }
    )


def test_no_other_folder_is_emptied(store: Store, tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "main.c").write_text("int main;")
    disguised = store.root / "scratch" / "link"
    disguised.parent.mkdir(exist_ok=True)
    disguised.symlink_to(sources)
    for folder in (sources, store.root, disguised):
        with pytest.raises(ValueError, match="is not in the store's scratch space: its files would be moved away"):
            store.take_folder(folder)
    assert (sources / "main.c").read_text() == "int main;"


def test_tree_with_missing_file_is_not_materialised(store: Store) -> None:
    digest = store.put_tree(Tree({"a": FileEntry(store.put_bytes(b"here")), "b": FileEntry(Digest.of(b"gone"))}))
    assert not store.has_tree(digest)
    with pytest.raises(IntegrityError):
        store.materialise(digest)
    assert list((store.root / "trees").iterdir()) == []


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, r"^no space left to write .*/cache \(5 bytes needed\)$"),
        (errno.EDQUOT, r"^no space left to write .*/cache \(5 bytes needed\)$"),
        (errno.EACCES, r"^no permission to use .*/cache \(5 bytes needed\)$"),
        (errno.EIO, r"^cannot use .*/cache: Input/output error$"),
    ],
)
def test_the_hosts_refusals(store: Store, monkeypatch: pytest.MonkeyPatch, number: int, message: str) -> None:
    def refuse(self: Path, data: bytes) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", refuse)
        with pytest.raises(HostError, match=message) as caught:
            store.put_bytes(b"hello")
    assert caught.value.advice or number == errno.EIO
    assert not store.has(Digest.of(b"hello"))
    assert store.has(store.put_bytes(b"hello"))


def test_a_file_limit_of_the_host_leaves_nothing_behind(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 2_000_000)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, limits[1]))
    try:
        with pytest.raises(HostError, match=r"^no space left to write .*/cache \(2000000 bytes needed\)$"):
            store.put_file(source)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list((store.root / "cas").glob("*/*"))


def test_gc_command(tmp_path: Path) -> None:
    with Store(tmp_path / "cache") as store:
        age(store.path(store.put_bytes(b"old")), 40)
    runner = CliRunner(env={"XENBUILD_CACHE": str(tmp_path / "cache")})
    assert runner.invoke(command, ["--older-than", "8w"]).output.startswith("removed: 0 files, 0 B\nkept: 1 files, 3 B")
    assert runner.invoke(command, ["--dry-run"]).output.startswith("would be removed: 1 files, 3 B\n")
    assert json.loads(runner.invoke(command, ["--max-size", "0", "--json"]).output)["removed_bytes"] == 3
    assert "'5 days' is not an age such as 12h, 30d or 8w" in runner.invoke(command, ["--older-than", "5 days"]).output


def test_location() -> None:
    assert store_root({"XENBUILD_CACHE": "/a", "XDG_CACHE_HOME": "/b"}) == Path("/a")
    assert store_root({"XDG_CACHE_HOME": "/b"}) == Path("/b/xenbuild")
    assert store_root({"XDG_CACHE_HOME": "relative"}) == Path.home() / ".cache/xenbuild"


def age(path: Path, days: float) -> None:
    then = time.time() - days * 86400
    os.utime(path, (then, then), follow_symlinks=False)


def test_gc_is_refused_while_the_store_is_in_use(store: Store) -> None:
    with pytest.raises(HostError) as caught:
        collect(store.root, max_size=0)
    assert str(caught.value) == f"the store {store.root} is in use by another xenbuild"


def test_gc_removes_what_is_old_and_keeps_what_is_needed(tmp_path: Path) -> None:
    root = tmp_path / "cache"
    with Store(root) as store:
        needed, old = store.put_bytes(b"needed"), store.put_bytes(b"old")
        tree = store.put_tree(Tree({"file": FileEntry(needed)}))
        kept = store.materialise(tree)
        for digest in (needed, old, tree):
            age(store.path(digest), 40)
        age(kept, 10)
    assert collect(root, older_than=30 * 86400, dry_run=True).removed == 1
    result = collect(root, older_than=30 * 86400)
    assert (result.removed, result.removed_bytes, result.kept) == (1, 3, 2)
    with Store(root) as store:
        assert store.has_tree(tree)
        assert not store.has(old)


def test_gc_shrinks_to_a_size_oldest_first(tmp_path: Path) -> None:
    root = tmp_path / "cache"
    with Store(root) as store:
        digests = [store.put_bytes(bytes([n]) * 1000) for n in range(5)]
        for days, digest in enumerate(digests):
            age(store.path(digest), days + 1)
    collect(root, max_size=2500)
    with Store(root) as store:
        assert [store.has(digest) for digest in digests] == [True, True, False, False, False]
