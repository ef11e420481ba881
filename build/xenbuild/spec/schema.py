"""JSON Schema (draft 2020-12) of a declaration, for editors, derived from the dataclasses.

It says what types can say. References to other things, files, units' ranges and capabilities are the loader's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args, get_origin

from xenbuild.spec.block import Duration, InputFile, Mode, Node, Percent, Setting, Size
from xenbuild.spec.document import NOT_IN_PROFILES, NOT_IN_WHEN, Condition, Head, Matrix
from xenbuild.spec.keys import Key, is_block, keys
from xenbuild.spec.model import Declaration

Json = dict[str, Any]

_VARIABLE = {"type": "string", "pattern": r"\$\{[^}]*\}"}  # stands for a value of any type
_TARGET = {"type": "string", "pattern": r"^(x86_64|arm64|armv7|ia32)/(xen|hvkernel)$"}
_SCALARS: dict[Any, Json] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    Path: {"type": "string", "minLength": 1},
    InputFile: {"type": "string", "minLength": 1},
    Size: {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?[KMGT]?$"}]},
    Duration: {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?(ms|s|m|h)$"},
    Percent: {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?%$"},
    Mode: {"type": "string", "pattern": "^0?[0-7]{3,4}$"},
    Setting: {"type": ["string", "number", "boolean", "array"]},
}


def json_schema() -> Json:
    """The schema of a whole file."""
    blocks: dict[str, Json] = {}
    top = _block(Declaration, blocks)
    head = _head(blocks)
    overlay = {**top["properties"], "variables": head["variables"]}
    late = {name: head[name] for name in ("when", "targets", "default")}
    blocks["Profile"] = _closed({**overlay, **late}, "an overlay chosen with --profile")
    condition = {"if": {"$ref": "#/$defs/Condition"}}
    blocks["When"] = _closed({**condition, **overlay}, "an overlay for some targets") | {"required": ["if"]}
    assert not set(NOT_IN_PROFILES) & set(blocks["Profile"]["properties"])
    assert not set(NOT_IN_WHEN) & set(blocks["When"]["properties"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "xenbuild declaration",
        **_closed({**top["properties"], **head}, "one machine that runs Xen"),
        "$defs": dict(sorted(blocks.items())),
    }


def _head(blocks: dict[str, Json]) -> dict[str, Json]:
    special: dict[str, Json] = {
        "include": _one_or_more({"type": "string"}),
        "variables": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean", "null"]}},
        "profiles": {"type": "object", "additionalProperties": {"$ref": "#/$defs/Profile"}},
        "when": {"type": "array", "items": {"$ref": "#/$defs/When"}},
        "targets": {"anyOf": [_reference(Matrix, blocks), {"type": "array", "items": _TARGET}]},
        "default": _TARGET,
    }
    blocks["Condition"] = _closed(
        {name: {**_one_or_more(_plain(spec)), "description": spec.help} for name, spec in keys(Condition).items()}, ""
    )
    return {name: {"description": spec.help, **special[name]} for name, spec in keys(Head).items()}


def _one_or_more(item: Json) -> Json:
    return {"anyOf": [item, {"type": "array", "items": item}]}


def _closed(properties: Json, description: str) -> Json:
    return {"type": "object", "description": description, "properties": properties, "additionalProperties": False}


def _block(cls: type[Node], blocks: dict[str, Json]) -> Json:
    """A block's schema. Nothing is required: an include, a profile or `when` may bring what is missing."""
    properties: Json = {}
    for name, spec in keys(cls).items():
        properties[name] = {"description": spec.help, **_value(spec.type, spec, blocks)}
        if get_origin(spec.type) is list:
            properties[f"{name}+"] = {"description": f"appended: {spec.help}", **_value(spec.type, spec, blocks)}
    return _closed(properties, (cls.__doc__ or "").partition("\n")[0])


def _value(hint: Any, spec: Key, blocks: dict[str, Json]) -> Json:
    if get_origin(hint) is list:
        made: Json = {"type": "array", "items": _value(get_args(hint)[0], _item(spec), blocks)}
    elif get_origin(hint) is dict:
        names = {"pattern": "^[A-Za-z0-9_][A-Za-z0-9._-]*$"}
        item = _value(get_args(hint)[1], _item(spec), blocks)
        made = {"type": "object", "propertyNames": names, "additionalProperties": item}
    elif is_block(hint):
        made = _reference(hint, blocks)
    else:
        made = {"anyOf": [_plain(spec, hint), _VARIABLE]}
    if spec.optional and not (get_origin(hint) or is_block(hint)):
        made["anyOf"].append({"type": "null"})
    elif spec.optional:
        made = {"anyOf": [made, {"type": "null"}]}
    return made


def _item(spec: Key) -> Key:
    """The key as it applies to the members of its list."""
    return Key(spec.name, spec.field, spec.type, False, False, None, spec.help, spec.pattern, spec.choices)


def _plain(spec: Key, hint: Any = str) -> Json:
    if spec.choices:
        return {"enum": list(spec.choices)}
    if spec.pattern:
        return {"type": "string", "pattern": f"^(?:{spec.pattern})$"}
    return _SCALARS[hint]


def _reference(cls: type[Node], blocks: dict[str, Json]) -> Json:
    if cls.__name__ not in blocks:
        blocks[cls.__name__] = {}  # keeps a block that holds itself from going round
        blocks[cls.__name__] = _block(cls, blocks)
        required = [name for name, spec in keys(cls).items() if spec.required]
        if required and cls.__name__ != "Domain":
            blocks[cls.__name__]["required"] = required
    return {"$ref": f"#/$defs/{cls.__name__}"}
