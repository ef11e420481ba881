"""What does not go together on a card is refused at its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from xenbuild.errors import DeclarationError
from xenbuild.media.medium import Making
from xenbuild.media.uboot import chosen
from xenbuild.spec.card import Card
from xenbuild.spec.load import load, target_named
from xenbuild.spec.recipe import load_recipe, recipe_names


@dataclass
class Given:
    declaration: Any
    image: Any


def making(tmp_path: Path, image: str, target: str = "arm64/xen") -> Making:
    file = tmp_path / "xenbuild.yaml"
    file.write_text(
        f"version: 1\nname: lab\nrelease: bookworm\ntargets: [{target}]\nimages:\n"
        f"  - {{name: sd, medium: uboot{image}}}\n"
    )
    declaration = load(file, target_named(target, file))
    return cast(Making, Given(declaration, declaration.images[0]))


def test_the_best_way_is_taken(tmp_path: Path) -> None:
    card, start = chosen(making(tmp_path, ""))
    assert (card.name, start) == ("qemu-arm64", "fit")
    card, start = chosen(making(tmp_path, ", card: raspberry-pi-4"))
    assert (card.name, start) == ("raspberry-pi-4", "script")


@pytest.mark.parametrize(
    ("image", "target", "message", "advice"),
    [
        (", card: pine64", "arm64/xen", "there is no card 'pine64'", "did you mean 'pine64-plus'?"),
        (
            ", card: pine64-plus",
            "armv7/xen",
            "card pine64-plus is for arm64, not for armv7",
            "cards for armv7: qemu-armv7",
        ),
        (
            ", card: raspberry-pi-4, start: fit",
            "arm64/xen",
            "U-Boot of raspberry-pi-4 cannot start by fit",
            "it can by: script",
        ),
        (
            ", start: script, sign: {key: k, certificate: c}",
            "arm64/xen",
            "only a FIT can be signed for U-Boot, and this card is started by script",
            "write start: fit",
        ),
    ],
)
def test_what_does_not_go_together(tmp_path: Path, image: str, target: str, message: str, advice: str) -> None:
    for name in "kc":
        (tmp_path / name).write_text("")
    with pytest.raises(DeclarationError, match=re.escape(message)) as caught:
        chosen(making(tmp_path, image, target))
    assert caught.value.at is not None
    assert caught.value.at.line == 6
    assert advice in caught.value.advice


def test_every_card_is_sound() -> None:
    for name in recipe_names(Card):
        card = load_recipe(Card, name)
        assert card.loaded % 4096 == card.address % (1 << 21) == 0
