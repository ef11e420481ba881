"""A card for boards that U-Boot starts: one FAT partition, and what the board's ROM wants before it.

    sector 0      MBR with the one partition; U-Boot's own files where the board's ROM looks for them
    1 MiB         FAT32: the bundle, in one of three forms that the board's U-Boot knows (image key `start`):
                    fit       boot.scr and machine.itb, whose hash U-Boot compares, and whose signature if it has a key
                    script    boot.scr and the bundle
                    extlinux  extlinux/extlinux.conf, a menu, and the bundle

Only the chosen form is on the card, so there is no way around a signature. Boards are data: recipes/cards/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xenbuild.media.medium import Medium

if TYPE_CHECKING:
    from xenbuild.media.medium import Making
    from xenbuild.plan.action import Input, Json, OutputOf
    from xenbuild.plan.job import Job
    from xenbuild.spec.card import Card

MIB = 1 << 20
FIRST = 2048  # sector of the partition
FIT = "machine.itb"
HINT = "xenbuild"  # name of the key in U-Boot's device tree


def plan(making: Making) -> OutputOf:
    from xenbuild.compose.bundle import FORMATS
    from xenbuild.media.menu import SECTOR
    from xenbuild.plan.action import Action

    card, start = chosen(making)
    image, arch = making.image, making.declaration.target.arch
    name = FIT if start == "fit" else f"{image.name}{FORMATS[arch].suffix}"
    inputs: dict[str, Input] = {"machine": _fit(making, card) if start == "fit" else making.bundle}
    copied: list[Json] = []
    for number, (group, files) in enumerate([(card.group, card.files), *((m.group, m.files) for m in card.more)]):
        if group is not None:
            inputs[f"files{number}"] = making.tools(group)
            copied += [[f"files{number}", place, own] for own, place in files.items()]
    if card.kernel_files:
        inputs["kernel-files"] = making.kernel_files(list(card.kernel_files.values()))
        copied += [["kernel-files", place, own] for own, place in card.kernel_files.items()]
    params: Json = {
        "arch": arch,
        "name": name,
        "label": image.label or making.declaration.name,
        "copied": copied,
        "texts": {**card.texts, **_texts(making, card, start, name)},
        "raw": [["files0", one.file, int(one.offset)] for one in card.raw],
    }
    assert all(one.offset >= SECTOR for one in card.raw), "the first sector is the MBR's"
    label = f"write the card {image.name}"
    return Action(label, "xenbuild.media.uboot:run", params, inputs, ("image",), size_hint=64 * MIB).output("image")


def chosen(making: Making) -> tuple[Card, str]:
    """The board and how its U-Boot starts the machine. Raises DeclarationError for what does not go together."""
    from xenbuild.errors import DeclarationError
    from xenbuild.spec.card import Card
    from xenbuild.spec.recipe import load_recipe, recipe_names

    image, arch, folder = making.image, making.declaration.target.arch, making.declaration.folder
    card = load_recipe(Card, image.card or f"qemu-{arch}", folder, image.at("card"))
    if card.arch != arch:
        every = [load_recipe(Card, name, folder) for name in recipe_names(Card, folder)]
        fitting = ", ".join(one.name for one in every if one.arch == arch)
        message = f"card {card.name} is for {card.arch}, not for {arch}"
        raise DeclarationError(message, at=image.at("card"), advice=f"cards for {arch}: {fitting}")
    start = image.start or card.starts[0]
    if start not in card.starts:
        message = f"the U-Boot of {card.name} cannot start by {start}"
        raise DeclarationError(message, at=image.at("start"), advice=f"it can by: {', '.join(card.starts)}")
    if image.sign and start != "fit":
        message = f"only a FIT can be signed for U-Boot, and this card is started by {start}"
        advice = (
            "write start: fit" if "fit" in card.starts else f"the U-Boot of {card.name} knows no FIT: leave out sign"
        )
        raise DeclarationError(message, at=image.at("sign"), advice=advice)
    return card, start


def _fit(making: Making, card: Card) -> OutputOf:
    from hashlib import file_digest

    from xenbuild.media.signed import check
    from xenbuild.plan.action import Action
    from xenbuild.spec.inputs import refers

    sign = making.image.sign
    params: Json = {"arch": card.arch, "address": card.address, "name": making.declaration.name}
    inputs: dict[str, Input] = {"bundle": making.bundle}
    if sign is not None:
        if not refers(sign.certificate):
            check(sign)
        with sign.key_.open("rb") as file:
            params |= {"key": str(sign.key_), "sha256": file_digest(file, "sha256").hexdigest()}
        params["certificate"] = sign.certificate.name
        inputs["certificate"] = making.file(sign.certificate, sign.at("certificate"))
    label = f"FIT of {making.image.name}"
    at = sign.at("key_") if sign else None
    return Action(label, "xenbuild.media.uboot:fit", params, inputs, ("fit",), at=at).output("fit")


def _texts(making: Making, card: Card, start: str, name: str) -> dict[str, str]:
    """Script or menu; a script is wrapped when the card is written."""
    from xenbuild.formats.fit import CONFIGURATION
    from xenbuild.media import menu
    from xenbuild.parts.templates import render

    values, folder = menu.values(making), making.declaration.folder
    if start == "extlinux":
        text = render("netboot.pxelinux", folder, loader="u-boot", bundle=f"/{name}", **values)
        return {"extlinux/extlinux.conf": text}
    addresses = {"loaded": f"{card.loaded:#x}", "address": f"{card.address:#x}", "device_tree": card.device_tree}
    more: dict[str, Any] = {"start": start, "file": name, "configuration": CONFIGURATION, **addresses}
    more["firmware_words"] = card.firmware_words
    return {"boot.scr": render("boot.cmd", folder, **values, **more)}


def fit(job: Job) -> None:
    """Action: params arch, address, name, with a signature key (path), sha256, certificate (name); input bundle."""
    from pathlib import Path

    from xenbuild.formats.fit import Signer, write_fit

    signer = None
    if "key" in job.params:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        from xenbuild.media.signed import check_pair, read_certificate, read_key

        certificate = read_certificate(job.path("certificate").read_bytes(), job.params["certificate"])
        place = Path(job.params["key"])
        key = read_key(place)
        check_pair(key, certificate, place.name, job.params["certificate"])
        signer = Signer(lambda data: key.sign(data, padding.PKCS1v15(), hashes.SHA256()), key.key_size, HINT)
    data = write_fit(
        job.path("bundle").read_bytes(), job.params["arch"], job.params["address"], job.params["name"], signer
    )
    job.out("fit").write_bytes(data)


def run(job: Job) -> None:
    """Action: params and inputs as in plan() -> image."""
    from xenbuild.formats import fat, mbr, uimage
    from xenbuild.formats.extents import Content, Extents, write_content
    from xenbuild.media.raw import identity

    params = job.params
    files: dict[str, Content] = {params["name"]: job.path("machine")}
    for source, pattern, name in params["copied"]:
        files[name] = _one(job, source, pattern)
    for name, text in params["texts"].items():
        script = name.endswith(".scr")
        files[name] = uimage.write_script(text, params["arch"], params["label"]) if script else text.encode()
    digest = identity(job)
    layout = fat.smallest(files)
    sectors = -(-layout.size // MIB) * MIB // fat.SECTOR
    out = Extents()
    out.write(mbr.write_mbr(FIRST, sectors, int.from_bytes(digest[:4])))
    for source, pattern, at in params["raw"]:
        content = _one(job, source, pattern)
        _check_room(pattern, at, content.stat().st_size)
        out.seek(at)
        write_content(out, content)
    label, serial = fat.label_of(params["label"]), int.from_bytes(digest[4:8])
    fat.write_fat(out, FIRST * fat.SECTOR, files, layout, label, serial, FIRST)
    job.put_extents("image", out, (FIRST + sectors) * fat.SECTOR)


def _check_room(file: str, at: int, size: int) -> None:
    from xenbuild.errors import FormatError

    if at + size > FIRST * 512:
        message = f"{file} has {size} bytes: from byte {at} on it would reach into the partition"
        raise FormatError(message, advice="correct the card's recipe")


def _one(job: Job, source: str, pattern: str) -> Any:
    """The one file of a tree that matches."""
    from xenbuild.errors import FormatError

    found = sorted(job.path(source).glob(pattern))
    if len(found) != 1:
        raise FormatError(
            f"{len(found)} files of {source} match {pattern!r}, not one", advice="correct the card's recipe"
        )
    return found[0]


MEDIUM = Medium(plan, lambda arch: ".sd", mapped=True)
