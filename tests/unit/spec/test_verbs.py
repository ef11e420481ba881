"""The verbs check, show, schema and init."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from xenbuild.cli import check, init, schema, show
from xenbuild.errors import HostError, NetworkError
from xenbuild.sources import web
from xenbuild.spec.load import load

GOOD = Path(__file__).parents[2] / "good" / "declaration"


def run(command: object, *words: str) -> str:
    result = CliRunner().invoke(command, words, catch_exceptions=False)  # type: ignore[arg-type]
    assert result.exit_code == 0, result.output
    return result.output


def test_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(GOOD)
    assert run(check.command, "-f", "layers.yaml") == "x86_64/xen: sound\narm64/xen (default): sound\n"


def test_show_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(GOOD)
    lines = run(show.command, "-f", "layers.yaml", "x86_64/xen", "--origin").splitlines()
    assert [line.split() for line in lines if "hostname" in line] == [
        ["hostname:", "base", "#", "parts/base.yaml:3:13"]
    ]
    assert [line.split() for line in lines if "vcpus" in line] == [["vcpus:", "2", "#", "layers.yaml:12:10"]]


@pytest.mark.parametrize("name", [file.stem for file in sorted(GOOD.glob("*.yaml"))])
def test_what_is_shown_loads_as_the_same(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(GOOD, tmp_path / "d")
    monkeypatch.chdir(tmp_path / "d")
    made = load(Path(f"{name}.yaml"))
    Path("again.yaml").write_text(run(show.command, "-f", f"{name}.yaml") + f"targets: [{made.target}]\n")
    again = load(Path("again.yaml"))
    again.files = made.files
    assert again == made


def test_show_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(GOOD)
    shown = json.loads(run(show.command, "-f", "layers.yaml", "--json"))
    assert shown["target"] == "arm64/xen"
    assert shown["dom0"]["memory"] == "256M"
    assert shown["dom0"]["files"][0]["source"] == "parts/files/motd"


def test_schema() -> None:
    assert json.loads(run(schema.command))["title"] == "xenbuild declaration"
    assert run(schema.command, "--markdown").startswith("# Reference")


def test_init(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(GOOD / "recipes", tmp_path / "recipes")
    monkeypatch.chdir(tmp_path)
    assert run(init.command, "--name", "lab", "--no-lock") == "wrote xenbuild.yaml; next: xenbuild lock\n"
    assert load(Path("xenbuild.yaml")).name == "lab"
    assert not Path("xenbuild.lock").exists()
    with pytest.raises(HostError, match="is there already"):
        CliRunner().invoke(init.command, [], catch_exceptions=False)


def test_init_without_a_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def get(urls: list[str], limit: int = 0) -> bytes:
        raise NetworkError(f"{urls[0]}: unreachable", advice="check it")

    monkeypatch.setattr(web, "get", get)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NetworkError) as caught:
        CliRunner().invoke(init.command, [], catch_exceptions=False)
    assert caught.value.message.endswith("InRelease: unreachable")
    assert caught.value.advice == "xenbuild.yaml is there; run `xenbuild lock` once the network is"
    assert load(Path("xenbuild.yaml")).name == "machine"
    assert not Path("xenbuild.lock").exists()
