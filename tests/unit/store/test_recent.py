"""The memory of what was made of the digests asked for last."""

from __future__ import annotations

import pytest

from xenbuild.store.digest import Digest
from xenbuild.store.recent import KEPT, Recent


def test_the_last_few_are_made_once_and_older_ones_anew() -> None:
    made: list[Digest] = []

    def make(digest: Digest) -> int:
        made.append(digest)
        return digest.size

    recent = Recent(make)
    digests = [Digest.of(bytes(size)) for size in range(KEPT + 1)]
    assert [recent[digest] for digest in digests[:KEPT] * 2] == list(range(KEPT)) * 2
    assert made == digests[:KEPT]
    assert recent[digests[0]] == 0  # used, so the next one goes before it
    assert recent[digests[KEPT]] == KEPT and recent[digests[0]] == 0 and made == digests
    assert recent[digests[1]] == 1 and made == [*digests, digests[1]]
    recent.clear()
    assert recent[digests[1]] == 1 and made[-2:] == [digests[1]] * 2


def test_what_cannot_be_made_is_tried_again() -> None:
    answers = iter([ValueError("absent"), 7])

    def make(digest: Digest) -> int:
        answer = next(answers)
        if isinstance(answer, ValueError):
            raise answer
        return answer

    recent = Recent(make)
    with pytest.raises(ValueError, match="absent"):
        recent[Digest.of(b"")]
    assert recent[Digest.of(b"")] == 7
