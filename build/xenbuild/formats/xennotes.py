"""The ELF notes by which a kernel says how Xen may run it (xen/include/public/elfnote.h, features.h)."""

from __future__ import annotations

from dataclasses import dataclass

from xenbuild.errors import FormatError
from xenbuild.formats.bzimage import is_bzimage, read_bzimage, unpack_payload
from xenbuild.formats.elf import MACHINES, Elf

OWNER = "Xen"
NAMES = {
    0: "INFO", 1: "ENTRY", 2: "HYPERCALL_PAGE", 3: "VIRT_BASE", 4: "PADDR_OFFSET", 5: "XEN_VERSION", 6: "GUEST_OS",
    7: "GUEST_VERSION", 8: "LOADER", 9: "PAE_MODE", 10: "FEATURES", 11: "BSD_SYMTAB", 12: "HV_START_LOW",
    13: "L1_MFN_VALID", 14: "SUSPEND_CANCEL", 15: "INIT_P2M", 16: "MOD_START_PFN", 17: "SUPPORTED_FEATURES",
    18: "PHYS32_ENTRY", 19: "PHYS32_RELOC",
}  # fmt: skip
TEXTS = {"XEN_VERSION", "GUEST_OS", "GUEST_VERSION", "LOADER", "PAE_MODE", "FEATURES", "BSD_SYMTAB"}
FEATURES = [
    "writable_page_tables", "writable_descriptor_tables", "auto_translated_physmap", "supervisor_mode_kernel",
    "pae_pgdir_above_4gb", "mmu_pt_update_preserve_ad", "highmem_assist", "gnttab_map_avail_bits",
    "hvm_callback_vector", "hvm_safe_pvclock", "hvm_pirqs", "dom0", "grant_map_identity",
    "memory_op_vnode_supported", "ARM_SMCCC_supported", "linux_rsdp_unrestricted",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class XenNotes:
    """A kernel's notes by name, as text or number, and the machine it is made for."""

    arch: str
    values: dict[str, str | int]

    @property
    def features(self) -> set[str]:
        """What it supports, from both notes; without the requirements' "!" marks."""
        mask = self.values.get("SUPPORTED_FEATURES", 0)
        text = str(self.values.get("FEATURES", ""))
        named = {word.lstrip("!") for word in text.split("|") if word}
        return named | {name for bit, name in enumerate(FEATURES) if isinstance(mask, int) and mask >> bit & 1}

    @property
    def modes(self) -> list[str]:
        """The kinds of domain that it can be: pv, pvh."""
        pv = "ENTRY" in self.values or "HYPERCALL_PAGE" in self.values or "VIRT_BASE" in self.values
        return (["pv"] if pv else []) + (["pvh"] if "PHYS32_ENTRY" in self.values else [])


def notes_of_elf(elf: Elf) -> XenNotes:
    """The Xen notes of an ELF kernel; empty if it has none. Owners compare as text, texts end at a zero byte."""
    values: dict[str, str | int] = {}
    for note in elf.notes:
        if note.owner != OWNER or note.type not in NAMES:
            continue
        name = NAMES[note.type]
        if name in TEXTS:
            values[name] = note.data.partition(b"\0")[0].decode("latin-1")
        else:
            values[name] = int.from_bytes(note.data[:8], "little")
    return XenNotes(elf.arch, values)


def kernel_notes(data: bytes | memoryview, name: str) -> XenNotes:
    """The notes of a kernel file: an ELF, or a bzImage that holds one. Raises FormatError for any other file."""
    if is_bzimage(data):
        inner = unpack_payload(read_bzimage(data, name), name)
        return notes_of_elf(Elf.parse(inner, f"the kernel in {name}"))
    if bytes(data[:4]) == b"\x7fELF":
        return notes_of_elf(Elf.parse(data, name))
    raise FormatError(
        f"{name} is no x86 kernel: neither a bzImage nor an ELF file",
        advice="give the vmlinuz or vmlinux of an x86 Linux; kernels of other architectures go to their own targets",
    )


def check_dom0(notes: XenNotes, name: str, kind: str = "") -> None:
    """Raises FormatError, naming the note that is missing, if the kernel cannot be an initial domain of a kind."""
    advice = "use a kernel built with CONFIG_XEN_DOM0=y (Debian's linux-image packages are)"
    if notes.arch not in ("ia32", "x86_64") and notes.arch in MACHINES.values():
        raise FormatError(f"{name} is made for {notes.arch}, the hypervisor for x86", advice=advice)
    if not notes.values:
        raise FormatError(f"{name} is no Xen kernel: it has no Xen ELF notes", advice=advice)
    if not notes.modes:
        raise FormatError(
            f"{name} cannot be started by Xen: it has neither the note ENTRY (PV) nor PHYS32_ENTRY (PVH)", advice=advice
        )
    if kind and kind not in notes.modes:
        message = f"{name} cannot be a {kind} dom0: its notes say that it is for {' and '.join(notes.modes)}"
        raise FormatError(message, advice="choose another dom0.type, or a kernel built with CONFIG_PVH=y")
    # Without SUPPORTED_FEATURES Xen asks nothing of a PV dom0 (elf_xen_parse_features, common/libelf).
    if "SUPPORTED_FEATURES" in notes.values and "dom0" not in notes.features:
        raise FormatError(
            f"{name} cannot be dom0: its note SUPPORTED_FEATURES does not name the feature dom0", advice=advice
        )
