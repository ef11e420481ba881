"""The content-addressed store: files by their digest, trees as Directory messages, results of actions.

    cas/ab/HASH     content; mode 0444, and HASH.x, a copy with mode 0555 of what some tree has as a program
    ac/ab/HASH      ActionResult of the action with that digest
    trees/HASH      the tree with that root digest as a real folder of hard links into cas/
    notes/          small named files that change: what was built last, code digests
    stat/           digests of files outside (store/statcache.py)
    scratch/        private folders of running processes (store/scratch.py)
    lock            flock: shared by whoever uses the store, exclusive for the garbage collector

The mode belongs to the inode, so hard links to one file cannot be executable in one tree and not in another: hence
two variants of the content of programs. Nothing else is copied. Folders under trees/ stay writable for their owner,
so that `rm -rf` of the cache works as anyone expects; the files are read-only.

Everything appears by rename; nothing is changed in place but access times, which the garbage collector goes by.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

from xenbuild.errors import HostError, IntegrityError, XenbuildError
from xenbuild.formats.extents import Extents
from xenbuild.store import files
from xenbuild.store.digest import Digest
from xenbuild.store.recent import Recent
from xenbuild.store.scratch import Scratch
from xenbuild.store.statcache import StatCache
from xenbuild.store.tree import DirEntry, Entry, FileEntry, LinkEntry, Tree, directory_digests

USED_GRAIN = 3600  # seconds: how exactly the time of last use is kept
FIXED_MTIME_NS = 1_000_000_000  # every file's mtime: steps that look at it (tar, make) see the same everywhere


class Store:
    """One store on disk. Safe for several threads and processes; close() or `with` releases it early.

    Raises HostError when the disk is full or permission is lacking.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._cas = f"{self.root}/cas"
        self._scratch = Scratch(self.root / "scratch")
        self._stat = StatCache(self.root / "stat", self._scratch)
        self._trees = Recent(lambda digest: Tree.decode(digest, self.read))
        self._contents = Recent(self._read_contents)
        with files.in_words(self.root):
            if not (self.root / "cas").is_dir():
                for folder in ("ac", "trees", "cas"):  # cas/ last: where it is, the others are
                    (self.root / folder).mkdir(parents=True, exist_ok=True)
            self._lock = lock(self.root, exclusive=False)

    def close(self) -> None:
        """Remove the scratch space and let the garbage collector in."""
        if self._lock >= 0:
            self._scratch.close()
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    # Content

    def has(self, digest: Digest) -> bool:
        """Whether the content is there and of the right size. Counts as a use."""
        return _fresh(self._name(digest), digest.size)

    def path(self, digest: Digest) -> Path:
        """The read-only file with this content; raises XenbuildError if it is absent or damaged."""
        if not self.has(digest):
            raise absent(digest)
        return Path(self._name(digest))

    def read(self, digest: Digest) -> bytes:
        """All of a content that is known to be small, checked against its digest."""
        data = self.path(digest).read_bytes()
        if Digest.of(data) != digest:
            self.drop(digest)
            raise absent(digest)
        return data

    def put_bytes(self, data: bytes) -> Digest:
        digest = Digest.of(data)
        if not self.has(digest):
            new = self._scratch.name()
            with files.in_words(self.root, len(data)):
                new.write_bytes(data)
                self._adopt(new, digest)
        return digest

    def put_file(self, path: Path, move: bool = False) -> Digest:
        """Store a file's content. With `move` the file is gone afterwards, and costs no copy on the same disk."""
        with files.in_words(path):
            status = path.stat()
        with files.in_words(self.root, status.st_size):
            if move and status.st_dev == Path(self._cas).stat().st_dev and status.st_nlink == 1:
                digest = files.hash_file(path)
                if self.has(digest):
                    path.unlink()
                else:
                    self._adopt(path, digest)
                return digest
            known = None if move else self._stat.get(path.absolute(), status)
            if known and self.has(known):
                return known
            new = self._scratch.name()
            digest = files.copy_hashed(path, new)
            if self.has(digest):
                new.unlink()
            else:
                self._adopt(new, digest)
            if move:
                path.unlink()
            else:
                self._stat.put(path.absolute(), status, digest)
            return digest

    def put_extents(self, extents: Extents, size: int) -> Digest:
        """Store a file of `size` bytes that is still to be written."""
        new = self._scratch.name()
        with files.in_words(self.root, size):
            digest = files.write_hashed(extents, size, new)
            if self.has(digest):
                new.unlink()
            else:
                self._adopt(new, digest)
        return digest

    def digest_of(self, path: Path) -> Digest:
        """The digest of a file outside the store, without reading it again if it is unchanged."""
        path = path.absolute()
        with files.in_words(path):
            status = path.stat()
            digest = self._stat.get(path, status)
            if digest is None:
                digest = files.hash_file(path)
                self._stat.put(path, status, digest)
        return digest

    def drop(self, digest: Digest) -> None:
        """Remove content that proved to be damaged."""
        for name in (self._name(digest), self._name(digest) + ".x"):
            Path(name).unlink(missing_ok=True)
        self._trees.clear()
        self._contents.clear()

    # Trees

    def put_tree(self, tree: Tree) -> Digest:
        """Store a tree's Directory messages; the files' content must be there already (or follow)."""
        root, messages = tree.encode()
        for message in messages.values():
            self.put_bytes(message)
        return root

    def take_folder(self, folder: Path) -> Digest:
        """Empty a folder of the store's own scratch space: its files become content, and what it was a tree.

        Raises HostError for files that are none (sockets, devices), and ValueError for a folder elsewhere, whose
        files would be lost to their owner.
        """
        if not folder.resolve().is_relative_to(self._scratch.parent.resolve()):
            raise ValueError(f"{folder} is not in the store's scratch space: its files would be moved away")
        entries: dict[str, Entry] = {}
        todo = [""]
        while todo:
            prefix = todo.pop()
            with files.in_words(folder):
                (folder / prefix).chmod(0o700)  # files can be moved out of it whatever it was
                with os.scandir(folder / prefix) as found:
                    children = list(found)
            if prefix and not children:
                entries[prefix] = DirEntry()
            for child in children:
                name = f"{prefix}/{child.name}" if prefix else child.name
                if child.is_symlink():
                    entries[name] = LinkEntry(str(Path(child.path).readlink()))
                elif child.is_dir():
                    todo.append(name)
                elif child.is_file():
                    executable = bool(child.stat().st_mode & 0o100)
                    entries[name] = FileEntry(self.put_file(Path(child.path), move=True), executable)
                else:
                    raise HostError(f"{child.path} is neither file, folder nor symbolic link: it cannot be stored")
        return self.put_tree(Tree(entries))

    def get_tree(self, digest: Digest) -> Tree:
        """Raises XenbuildError if any of its Directory messages is absent or damaged."""
        return self._trees[digest]

    def has_tree(self, digest: Digest) -> bool:
        """Whether a tree is there with all its directories and all its files' content."""
        try:
            return all(map(self.has, self._contents[digest]))
        except XenbuildError:
            return False

    def materialise(self, digest: Digest) -> Path:
        """A real folder with the tree's content, to read and run programs from; made once, then kept."""
        target = self.root / "trees" / digest.hash
        tree = self.get_tree(digest)
        new = self._scratch.name()
        if _touch(target):
            if _intact(target, tree):
                return target
            with files.in_words(target):
                target.rename(new)
                files.remove(new)
        with files.in_words(new, sum(e.digest.size for e in tree.values() if isinstance(e, FileEntry))):
            new.mkdir()
            made = {""}
            for path, entry in tree.items():
                parent = path.rpartition("/")[0]
                if parent not in made:
                    (new / parent).mkdir(parents=True, exist_ok=True)
                    made.add(parent)
                if isinstance(entry, FileEntry):
                    self._link(entry, new / path)
                elif isinstance(entry, LinkEntry):
                    (new / path).symlink_to(entry.target)
                else:
                    (new / path).mkdir()
            try:
                new.rename(target)
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                    raise
                files.remove(new)  # another thread or process was first
        return target

    def scratch(self) -> AbstractContextManager[Path]:
        """An empty folder on the store's filesystem, removed at the end of the `with` block."""
        return self._scratch.folder()

    # Results of actions (ac/): opaque bytes under the action's digest

    def get_result(self, action: Digest) -> bytes | None:
        """What put_result() stored, if it did. Counts as a use."""
        path = self.root / "ac" / action.hash[:2] / action.hash
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise files.host_error(error, path) from error
        _touch(path)
        return data

    def put_result(self, action: Digest, data: bytes) -> None:
        self._replace(self.root / "ac" / action.hash[:2] / action.hash, data)

    # Notes: small named files that may change, such as what was built last

    def get_note(self, name: str) -> bytes | None:
        """What put_note() stored last under this name, if anything."""
        path = self.root / "notes" / name
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise files.host_error(error, path) from error

    def put_note(self, name: str, data: bytes) -> None:
        self._replace(self.root / "notes" / name, data)

    # Inside

    def _read_contents(self, digest: Digest) -> frozenset[Digest]:
        """All that a tree consists of: its directories, and its files' content."""
        seen: set[Digest] = set()
        directories, todo = {digest}, [digest]
        while todo:
            contents, below = directory_digests(self.read(todo.pop()))
            seen.update(contents)
            todo += [each for each in below if each not in directories]
            directories.update(below)
        return frozenset(seen | directories)

    def _replace(self, path: Path, data: bytes) -> None:
        new = self._scratch.name()
        with files.in_words(path, len(data)):
            new.write_bytes(data)
            path.parent.mkdir(exist_ok=True)
            new.rename(path)

    def _name(self, digest: Digest) -> str:
        return f"{self._cas}/{digest.hash[:2]}/{digest.hash}"

    def _adopt(self, new: Path, digest: Digest, suffix: str = "", mode: int = 0o444) -> None:
        """Give a complete file of ours its name in cas/."""
        new.chmod(mode)
        os.utime(new, ns=(time.time_ns(), FIXED_MTIME_NS))
        target = self._name(digest) + suffix
        try:
            new.rename(target)
        except FileNotFoundError:
            Path(target).parent.mkdir(exist_ok=True)
            new.rename(target)

    def _link(self, entry: FileEntry, target: Path) -> None:
        source = self.path(entry.digest)
        if entry.executable:
            program = source.with_name(source.name + ".x")
            if not _fresh(str(program), entry.digest.size):
                new = self._scratch.name()
                files.copy(source, new)
                self._adopt(new, entry.digest, ".x", 0o555)
            source = program
        try:
            target.hardlink_to(source)
        except OSError as error:
            # Too many links to one file (an empty one, say), or a filesystem or mount that has none.
            if error.errno not in (errno.EMLINK, errno.EPERM, errno.EXDEV, errno.EOPNOTSUPP):
                raise
            files.copy(source, target)
            target.chmod(0o555 if entry.executable else 0o444)
            os.utime(target, ns=(FIXED_MTIME_NS, FIXED_MTIME_NS))


def absent(digest: Digest) -> IntegrityError:
    """The error for content that is not in the store, or damaged there."""
    return IntegrityError(
        f"the store lacks content {digest.hash[:16]}… of {digest.size} bytes",
        advice="run the command again: what is missing is fetched or built anew",
    )


def lock(root: Path, *, exclusive: bool) -> int:
    """Hold the store's lock until the returned descriptor is closed; BlockingIOError if exclusive and in use."""
    fd = os.open(root / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB if exclusive else fcntl.LOCK_SH)
    except OSError:
        os.close(fd)
        raise
    return fd


def _fresh(name: str, size: int) -> bool:
    """Whether the file is there with this size; notes the use (access time) now and then."""
    try:
        status = os.stat(name)  # noqa: PTH116 - called for every input; a Path costs more than the call
        if status.st_size != size:
            return False
        now = time.time()
        if abs(now - status.st_atime) > USED_GRAIN:
            os.utime(name, ns=(int(now * 1e9), FIXED_MTIME_NS))
    except FileNotFoundError:
        return False
    except OSError as error:
        raise files.host_error(error, Path(name)) from error
    return True


def _touch(path: Path) -> bool:
    """Note the use of a result or materialised tree (modification time); whether it is there."""
    try:
        now = time.time()
        if abs(now - path.stat().st_mtime) > USED_GRAIN:
            os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _intact(folder: Path, tree: Tree) -> bool:
    """Whether the tree's files are there with their sizes: damage of content shows in its hard links, too."""
    try:
        return all(
            os.lstat(f"{folder}/{path}").st_size == entry.digest.size
            for path, entry in tree.items()
            if isinstance(entry, FileEntry)
        )
    except FileNotFoundError:
        return False
