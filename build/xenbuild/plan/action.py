"""Actions: pure steps from inputs and parameters to outputs, and the keys that name their results.

A key is the digest of a Remote Execution API Action
(build/bazel/remote/execution/v2/remote_execution.proto), so that results can be shared and steps run elsewhere
without changing keys:

    Action   {Digest command_digest = 1; Digest input_root_digest = 2}
    Command  {string arguments = 1: the function, its parameters as canonical JSON; string output_paths = 7}
    input root   in/NAME: each input, a file or a folder;  code/...: the Python modules that the function consists of
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xenbuild.errors import FormatError, Position
from xenbuild.formats import protowire as wire
from xenbuild.store.digest import Digest

Json = Any  # what json.dumps takes: dict with string keys, list, tuple, str, int, float, bool, None

_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_NAME = re.compile(r"(?!\.\.?$)[^/\0]+")


@dataclass(frozen=True, slots=True)
class File:
    """A file in the store."""

    digest: Digest


@dataclass(frozen=True, slots=True)
class TreeOf:
    """A tree in the store, by the digest of its root."""

    digest: Digest


Artifact = File | TreeOf


@dataclass(frozen=True, slots=True, eq=False)
class Action:
    """One step. Two actions with equal keys are run once; the label is for people only.

    function: "package.module:name", called with a Job; inputs: names are file names (no "/"); outputs: likewise;
    size_hint: bytes of work, more than others means to be started before them; at: what of the declaration asks for it,
    for messages.
    """

    label: str
    function: str
    params: Json
    inputs: Mapping[str, Input] = field(default_factory=dict)
    outputs: tuple[str, ...] = ("out",)
    size_hint: int = 0
    at: Position | None = None

    def __post_init__(self) -> None:
        if not _FUNCTION.fullmatch(self.function):
            raise ValueError(f"{self.label}: not a function: {self.function!r}")
        for name in (*self.inputs, *self.outputs):
            if not _NAME.fullmatch(name):
                raise ValueError(f"{self.label}: {name!r} cannot name an input or output")
        if not self.outputs or len(set(self.outputs)) != len(self.outputs):
            raise ValueError(f"{self.label}: outputs must be one or more different names")

    def output(self, name: str = "out") -> OutputOf:
        if name not in self.outputs:
            raise ValueError(f"{self.label} has no output {name!r}")
        return OutputOf(self, name)


@dataclass(frozen=True, slots=True)
class OutputOf:
    """What an action will have made."""

    action: Action
    name: str


Input = Artifact | OutputOf


def canonical_json(value: Json) -> str:
    """One text for equal values: sorted keys, no spaces, no NaN. Raises TypeError or ValueError for other values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def encode_root(inputs: Mapping[str, Artifact], code: Digest) -> tuple[Digest, dict[Digest, bytes]]:
    """The input root's digest and the Directory messages that are not in the store already."""
    names = sorted(inputs)
    entries = {name: wire.text(1, name) + wire.block(2, inputs[name].digest.encode()) for name in names}
    inside = b"".join(
        [wire.block(1, entries[name]) for name in names if isinstance(inputs[name], File)]
        + [wire.block(2, entries[name]) for name in names if isinstance(inputs[name], TreeOf)]
    )
    inner = Digest.of(inside)
    root = b"".join(
        wire.block(2, wire.text(1, name) + wire.block(2, digest.encode()))
        for name, digest in (("code", code), ("in", inner))
    )
    digest = Digest.of(root)
    return digest, {inner: inside, digest: root}


def encode_action(action: Action, inputs: Mapping[str, Artifact], code: Digest) -> tuple[Digest, dict[Digest, bytes]]:
    """The key of an action whose inputs are known, and the messages that it is made of (its preimage)."""
    root, messages = encode_root(inputs, code)
    command = b"".join(wire.block(1, part.encode()) for part in (action.function, canonical_json(action.params)))
    command += b"".join(wire.block(7, name.encode()) for name in sorted(action.outputs))
    messages[command_digest := Digest.of(command)] = command
    message = wire.block(1, command_digest.encode()) + wire.block(2, root.encode())
    messages[key := Digest.of(message)] = message
    return key, messages


def encode_result(outputs: Mapping[str, Artifact]) -> bytes:
    """An ActionResult {OutputFile {path = 1, digest = 2} = 2; OutputDirectory {path = 1, root digest = 5} = 3}."""
    files, trees = [], []
    for name in sorted(outputs):
        output = outputs[name]
        if isinstance(output, File):
            files.append(wire.block(2, wire.text(1, name) + wire.block(2, output.digest.encode())))
        else:
            trees.append(wire.block(3, wire.text(1, name) + wire.block(5, output.digest.encode())))
    return b"".join(files + trees)


def decode_result(data: bytes) -> dict[str, Artifact]:
    """The reverse of encode_result(); raises FormatError."""
    outputs: dict[str, Artifact] = {}
    for number, value in wire.fields(data):
        node = dict(wire.fields(wire.as_bytes(value)))
        name = wire.as_text(node.get(1, b""))
        if number == 2:
            outputs[name] = File(Digest.decode(wire.as_bytes(node.get(2, b""))))
        elif number == 3:
            outputs[name] = TreeOf(Digest.decode(wire.as_bytes(node.get(5, b""))))
        else:
            raise FormatError("the result of an action has an unknown field")
    return outputs
