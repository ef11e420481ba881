"""`xenbuild verify`: is this what was built, by whom, and of what?"""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--keyring", type=click.Path(path_type=Path), help="OpenPGP certificates; one of them must have signed.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead.")
def command(file: Path, keyring: Path | None, as_json: bool) -> None:
    """Check FILE, an image with what lies beside it, or a folder of results. Nothing is fetched.

    Checked are the files against SHA256SUMS, its signature if a keyring is given, the parts inside images (bundles,
    disks, CDs, applications, archives, trees), and that manifest, bills of materials (SPDX, CycloneDX) and provenance
    (SLSA) speak of the same image. The exit code is 5 if anything is not right.

    \b
    Examples:
      xenbuild verify out/x86_64-xen/lab.elf
      xenbuild verify --keyring us.asc out/x86_64-xen
    """
    import json
    from datetime import UTC, datetime

    from xenbuild.errors import Errors
    from xenbuild.trust.verify import verify

    verdict = verify(file, keyring, datetime.now(UTC))
    if as_json:
        print(json.dumps({"verify": {"path": str(file), "ok": not verdict.wrong, "checked": verdict.checked}}))
    else:
        print(file)
        for what, said in verdict.checked.items():
            print(f"  {what:<11} {said}")
    if verdict.wrong:
        raise verdict.wrong[0] if len(verdict.wrong) == 1 else Errors(verdict.wrong)
