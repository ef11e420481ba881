"""The table in docs/exit-codes.md against the errors themselves."""

import re
from pathlib import Path

from xenbuild import errors

PAGE = Path(__file__).parents[3] / "docs" / "exit-codes.md"


def test_every_error_is_in_the_table_with_its_code() -> None:
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", PAGE.read_text(), re.MULTILINE)
    family = {cls.__name__: cls.exit_code for cls in errors.XenbuildError.__subclasses__() if cls is not errors.Errors}
    assert {name: int(code) for code, name in rows} == family


def test_the_table_is_sorted_and_has_no_code_twice() -> None:
    codes = [int(code) for code in re.findall(r"^\| (\d+) \|", PAGE.read_text(), re.MULTILINE)]
    assert codes == sorted(set(codes))
