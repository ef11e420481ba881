"""Debian's order of versions, with dpkg as the oracle."""

from __future__ import annotations

import subprocess
from shutil import which

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xenbuild.sources.versions import Relation, parse_relations, satisfies, version_key

VERSIONS = st.from_regex(r"([0-2]:)?[0-9][0-9a-zA-Z.+~]{0,8}(-[0-9a-z+.~]{1,4})?", fullmatch=True)


@pytest.mark.skipif(not which("dpkg"), reason="no dpkg to compare with")
@given(VERSIONS, VERSIONS)
@settings(max_examples=150, deadline=None)
def test_order_is_that_of_dpkg(one: str, other: str) -> None:
    ours = version_key(one) < version_key(other)
    assert ours == (subprocess.run(["dpkg", "--compare-versions", one, "lt", other]).returncode == 0)


@given(VERSIONS, VERSIONS)
def test_exactly_one_order_holds(one: str, other: str) -> None:
    assert [satisfies(one, op, other) for op in ("<<", "=", ">>")].count(True) == 1


def test_known_orders() -> None:
    rising = ["1.0~rc1", "1.0", "1.0-0+deb12u1", "1.0-1~bpo", "1.0-1", "1.0a", "1.0+b", "1.10", "1:0.1"]
    assert sorted(rising, key=version_key) == rising


def test_relations() -> None:
    assert parse_relations("a (>= 1.0~), b:any | c (<<2) [amd64] <!nocheck>") == (
        (Relation("a", ">=", "1.0~"),),
        (Relation("b"), Relation("c", "<<", "2")),
    )
    with pytest.raises(ValueError, match="cannot read the dependency 'a b'"):
        parse_relations("a b")
