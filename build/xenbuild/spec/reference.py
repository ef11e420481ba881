"""The reference of the declaration for docs/reference.md, written from the dataclasses."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args, get_origin

from xenbuild.spec.block import Duration, InputFile, Mode, Node, Percent, Setting, Size
from xenbuild.spec.document import Condition, Head, Matrix
from xenbuild.spec.keys import Key, is_block, keys
from xenbuild.spec.model import Declaration
from xenbuild.spec.scalars import format_duration, format_size

_NAMES: dict[Any, str] = {
    str: "text",
    int: "number",
    bool: "true or false",
    Path: "file",
    InputFile: "file or source",
    Size: "size",
    Duration: "duration",
    Percent: "percentage",
    Mode: "octal mode",
    Setting: "text, number, true or false, or a list of these",
}
_SPECIAL = {  # keys of the head whose shape is no single type
    "profiles": "named overlays",
    "when": "list of overlays",
    "targets": "[Matrix](#matrix) or list of text",
    "if": "[Condition](#condition)",
}
_INTRODUCTION = """# Reference of the declaration

Written by `xenbuild schema --markdown`; do not edit.

The file is strict YAML 1.2: `no` and `on` are text, keys are unique, there are no tags, anchors or merge keys.
Sizes are written `512M` or `1.5G` (powers of 1024), durations `90s`, `2m` or `1500ms`, modes `"0644"`.
Files are relative to the folder of the file that names them; where "file or source" is allowed, `source:NAME` is the
file of that source, `source:NAME/PATH` one in its git tree. `${name}` in any value is a variable (`arch`,
`hypervisor`, `release` and `name` are built in); `$${` stands for `${`. In includes, profiles and `when`, blocks
are merged key by key and anything else replaces; `key+` appends to a list, also to its default:

    include: [common.yaml]
    variables: {size: 512M}
    targets: {arch: [x86_64, arm64], hypervisor: [xen]}   # or [x86_64/xen, arm64/xen]
    dom0: {memory: "${size}", packages+: [nano]}
    profiles:
      debug: {hypervisor: {cmdline+: [loglvl=all]}}       # --profile debug
    when:
      - if: {arch: arm64}
        dom0: {memory: 1G}
"""


def markdown() -> str:
    """The whole document."""
    order: list[type[Node]] = []
    _collect(Declaration, order)
    parts = [_INTRODUCTION, _section("The file", [Declaration, Head])]
    parts += [_section(cls.__name__, [cls]) for cls in (*order[1:], Matrix, Condition)]
    return "\n".join(parts)


def _collect(cls: type[Node], order: list[type[Node]]) -> None:
    """Blocks in the order in which a reader meets them."""
    if cls in order:
        return
    order.append(cls)
    for spec in keys(cls).values():
        for hint in (spec.type, *get_args(spec.type)):
            if is_block(hint):
                _collect(hint, order)


def _section(title: str, classes: list[type[Node]]) -> str:
    doc = (classes[0].__doc__ or "").strip().partition("\n")[0]
    about = f"\n{doc}\n" if doc and not doc.startswith(f"{classes[0].__name__}(") else ""
    rows = [_row(spec) for cls in classes for spec in keys(cls).values()]
    return "\n".join(
        [f"## {title}", about, "| key | value | default | meaning |", "| --- | --- | --- | --- |", *rows, ""]
    )


def _row(spec: Key) -> str:
    meaning = spec.help.replace("|", "\\|")
    if spec.choices:
        meaning += f" ({', '.join(spec.choices)})"
    return f"| `{spec.name}` | {_SPECIAL.get(spec.name) or _type(spec.type)} | {_default(spec)} | {meaning} |"


def _type(hint: Any) -> str:
    if get_origin(hint) is list:
        return f"list of {_type(get_args(hint)[0])}"
    if get_origin(hint) is dict:
        return f"named {_type(get_args(hint)[1])}"
    return f"[{hint.__name__}](#{hint.__name__.lower()})" if is_block(hint) else _NAMES[hint]


def _default(spec: Key) -> str:
    if spec.required:
        return "**required**"
    if spec.default in (None, "", [], {}) or isinstance(spec.default, Node):
        return ""
    if isinstance(spec.default, list):
        return f"`[{', '.join(spec.default)}]`"
    return f"`{format_scalar(spec.default, spec.type)}`"


def format_scalar(value: Any, hint: Any) -> str:
    """A value as the declaration writes it, without quotes."""
    if hint is Size:
        return format_size(value)
    if hint is Duration:
        return format_duration(value)
    if hint is Percent:
        return f"{value:g}%"
    if hint is Mode:
        return f"{value:04o}"
    return str(value).lower() if isinstance(value, bool) else str(value)
