"""A /sys, /proc and /dev of a machine that does not exist, in a folder."""

from __future__ import annotations

from pathlib import Path

from xenbuild.flash.find import System


class Machine:
    """Disks, partitions, volumes, mounts; `system` sees them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._minor = 0
        for folder in ("sys/block", "proc/self", "dev"):
            (root / folder).mkdir(parents=True)
        self._put("proc/swaps", "Filename Type Size Used Priority\n")
        self._put("proc/self/mountinfo", "")
        self.system = System(root)

    def disk(self, name: str, size: int, *, place: str = "", content: bytes = b"", **files: str) -> Path:
        """A disk; `place`: where its device hangs in /sys/devices; `files`: more files, `device_model` in device/."""
        folder = self._node(f"sys/block/{name}", size)
        self._put(f"sys/block/{name}/queue/logical_block_size", files.pop("sector", "512"))
        device = self.root / "sys" / "devices" / (place or "platform") / name
        device.mkdir(parents=True)
        (folder / "device").symlink_to(device)
        for key, text in files.items():
            (device / key.removeprefix("device_") if key.startswith("device_") else folder / key).write_text(
                text + "\n"
            )
        with (self.root / "dev" / name).open("wb") as file:
            file.write(content)
            file.truncate(size)
        return folder

    def partition(self, disk: str, number: int, start: int, size: int) -> str:
        """Offset and size in bytes; returns its name."""
        name = f"{disk}{'p' if disk[-1].isdigit() else ''}{number}"
        self._node(f"sys/block/{disk}/{name}", size)
        self._put(f"sys/block/{disk}/{name}/start", str(start // 512))
        self._put(f"sys/block/{disk}/{name}/partition", str(number))
        return name

    def volume(self, name: str, below: str, kind: str, label: str) -> None:
        """A device-mapper volume above a disk or partition."""
        self._node(f"sys/block/{name}", 1 << 20)
        self._put(f"sys/block/{name}/dm/uuid", f"{kind}-1234")
        self._put(f"sys/block/{name}/dm/name", label)
        self._hold(name, below)

    def array(self, name: str, below: str, level: str) -> None:
        self._node(f"sys/block/{name}", 1 << 20)
        self._put(f"sys/block/{name}/md/level", level)
        self._hold(name, below)

    def mount(self, name: str, point: str, number: str = "") -> None:
        line = f"36 35 {number or self.number(name)} / {point} rw,noatime shared:1 - ext4 /dev/{name} rw\n"
        with (self.root / "proc/self/mountinfo").open("a") as file:
            file.write(line)

    def swap(self, name: str) -> None:
        with (self.root / "proc/swaps").open("a") as file:
            file.write(f"/dev/{name}  partition 1 0 -2\n")

    def number(self, name: str) -> str:
        return next(self.root.glob(f"sys/block/**/{name}/dev")).read_text().strip()

    def _hold(self, name: str, below: str) -> None:
        folder = next(path.parent for path in self.root.glob("sys/block/**/dev") if path.parent.name == below)
        (folder / "holders" / name).mkdir(parents=True)

    def _node(self, path: str, size: int) -> Path:
        self._minor += 1
        self._put(f"{path}/dev", f"8:{self._minor}")
        self._put(f"{path}/size", str(size // 512))
        return self.root / path

    def _put(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(f"{text}\n" if text else "")
