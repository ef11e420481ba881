"""Rules of `images:` that types cannot say."""

from __future__ import annotations

from xenbuild.spec.image import Data, Image, Menu, Slots
from xenbuild.spec.model import Declaration
from xenbuild.spec.problems import Problems, nearest
from xenbuild.spec.scalars import quote

CONSOLES = ("serial", "vga")
LABELS = {"raw": 11, "qcow2": 11, "vmdk": 11, "iso": 32}  # characters, by medium: FAT's and ECMA-119's
PARTITION_NAME = 36  # UTF-16 units (UEFI specification, table 5-6)
MIB = 1 << 20
DISKS = ("storage", "virtio")  # driver sets that know disks


def check_menu(menu: Menu, problems: Problems) -> None:
    """What one boot menu says about itself."""
    if menu.timeout < 0 or menu.timeout % 1:
        problems.add(menu.at("timeout"), "the menu waits whole seconds", "write for example 5s")
    for index, console in enumerate(menu.consoles):
        if console not in CONSOLES:
            at = menu.at(f"consoles[{index}]")
            problems.add(at, f"{quote(console)} is no console of a boot menu", nearest(console, CONSOLES))
    if not menu.consoles:
        problems.add(menu.at("consoles"), "a boot menu that nobody sees", "name serial, vga or both")
    titles = [entry.title for entry in menu.entries]
    for index, entry in enumerate(menu.entries):
        if not entry.title.strip() or any(ord(c) < 32 for c in entry.title):
            problems.add(entry.at("title"), f"{quote(entry.title)} is no title", "write one line of text")
        if entry.title in titles[:index]:
            problems.add(
                entry.at("title"), f"two lines of the menu are {quote(entry.title)}", "give each its own title"
            )
        for name in ("hypervisor", "dom0"):
            for number, word in enumerate(getattr(entry, name)):
                if not word.strip() or any(c in word for c in "\n\r\0"):
                    at = entry.at(f"{name}[{number}]")
                    problems.add(at, f"{quote(word)} is no word of a command line", "write words without line breaks")


def check_data(data: Data, problems: Problems) -> None:
    if data.size < MIB or data.size % MIB:
        problems.add(data.at("size"), "a partition has whole MiB, and one at least", 'write for example "64M"')
    most = 11 if data.format == "fat" else PARTITION_NAME
    if not 0 < len(data.label) <= most:
        message = f"the label {quote(data.label)} has {len(data.label)} characters"
        problems.add(data.at("label"), message, f"1 to {most} fit")


def check_slots(slots: Slots, problems: Problems) -> None:
    if not 1 <= slots.tries <= 9:
        problems.add(slots.at("tries"), f"tries: {slots.tries} is out of range", "use 1 to 9")


def check_images(made: Declaration, problems: Problems) -> None:
    """Images against the rest of the declaration."""
    for image in made.images:
        _check_label(image, problems)
        titles = [made.name, *(entry.title for entry in image.menu.entries)]
        if image.menu.default is not None and image.menu.default not in titles:
            message = f"no line of the menu is {quote(image.menu.default)}"
            problems.add(image.menu.at("default"), message, nearest(image.menu.default, titles, show="lines"))
        if made.name in titles[1:]:
            entry = image.menu.entries[titles[1:].index(made.name)]
            message = f"two lines of the menu are {quote(made.name)}"
            problems.add(entry.at("title"), message, "the first is the machine as it is declared, titled with its name")
        if image.slots is not None:
            _check_slots(made, image, problems)
        if image.medium == "efi" and made.hypervisor.file is not None and made.target.arch == "x86_64":
            message = "medium efi: Xen as a UEFI application is another file than hypervisor.file"
            problems.add(image.at("medium"), message, "use medium raw or iso, whose GRUB starts yours by UEFI")


def _check_label(image: Image, problems: Problems) -> None:
    most = LABELS.get(image.medium)
    if image.label is None or most is None:
        return
    if not 0 < len(image.label) <= most:
        message = f"the label {quote(image.label)} has {len(image.label)} characters"
        problems.add(image.at("label"), message, f"medium {image.medium} has room for 1 to {most}")
    elif not all(c.isascii() and (c.isalnum() or c in "_-") for c in image.label):
        advice = "use letters, digits, _ and -"
        problems.add(image.at("label"), f"{quote(image.label)} is no label of a volume", advice)


def _check_slots(made: Declaration, image: Image, problems: Problems) -> None:
    """A copy counts as good when dom0 says so, which takes our init and a disk that dom0 sees."""
    if made.dom0.kernel is not None:
        problems.add(image.at("slots"), "slots beside dom0.kernel", "your own dom0 does not tell which copy is good")
    elif made.target.hypervisor == "xen" and not set(DISKS) & set(made.dom0.drivers):
        advice = f"dom0 has to write which copy is good: add {' or '.join(DISKS)} to dom0.drivers"
        problems.add(image.at("slots"), "slots without drivers for disks", advice)
