"""The commands ``tieout evidence …``: options, text and JSON of the answer, exit codes.

Here: what is asked and how the answer is told. Not here: the answer (``check``, ``timestamp``,
``reperformance``). Exit codes: 0 nothing is wrong, 1 something is, 2 the file isn't a pack.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from assets.evidence.check import Report

SOUND, ALTERED = 0, 1
TOLD = ("company", "as_of", "known_at", "status", "signed_by")


def verified(
    file: Path,
    public_key: Path | None,
    timestamp: Path | None,
    authority: Path | None,
    reperform: bool,
    source: Path | None,
    as_json: bool,
) -> int:
    """Prints each answer about a pack; the exit code says whether one of them is bad."""
    from assets.evidence import check
    from assets.evidence import timestamp as timestamps
    from schemas.faults import InputError

    if (timestamp is None) != (authority is None):
        raise InputError("a time stamp needs both: --timestamp FILE --tsa-ca FILE")
    if source is not None and not reperform:
        raise InputError("--source is for --reperform: the folder that the run read")
    report = check.checked(file, public_key)
    if timestamp is not None and authority is not None:
        report = report.with_items([timestamps.item(report.sha256, timestamp, authority)])
    if reperform:
        from assets.evidence import reperformance

        report = report.with_items(reperformance.items(report, source))
    typer.echo(
        json.dumps(plain(report), indent=2, ensure_ascii=False) if as_json else "\n".join(text(report))
    )
    return SOUND if report.is_sound else ALTERED


def plain(report: "Report") -> Mapping[str, Any]:
    """The answer as plain values."""
    return {
        "file": str(report.file),
        "sha256": report.sha256,
        "sound": report.is_sound,
        **told(report),
        "items": [item._asdict() for item in report.items],
    }


def told(report: "Report") -> Mapping[str, Any]:
    """Which run the pack says that it is; nothing where its manifest can't be trusted."""
    predicate = report.statement["predicate"] if report.statement else {}
    return {name: predicate[name] for name in TOLD if name in predicate}


def text(report: "Report") -> Iterator[str]:
    """The answer as lines: what is wrong first, then the rest."""
    wrong = sum(item.result == "wrong" for item in report.items)
    yield f"{report.file}: {'SOUND' if report.is_sound else f'{wrong} WRONG'}"
    yield from (harmless(f"  {name}: {value}") for name, value in told(report).items() if value is not None)
    yield f"  sha256 of the file: {report.sha256}"
    for item in sorted(report.items, key=lambda item: item.result != "wrong"):
        yield harmless(f"  {item.result:<11}  {item.name}" + (f": {item.told}" if item.told else ""))


def harmless(line: str) -> str:
    """The line without what a terminal would act on: a pack may come from anybody."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line)


def group(command: Callable[[Callable[..., int]], Callable[..., None]]) -> typer.Typer:
    """The commands as one group; ``command`` turns faults into messages and exit codes."""
    evidence = typer.Typer(
        help="Checks evidence packs, the file evidence.zip of each run.\n\n"
        "Example: tieout evidence verify results/evidence.zip",
        no_args_is_help=True,
    )
    evidence.callback()(lambda: None)  # a group of one command is still a group
    evidence.command()(command(verify))
    return evidence


def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The evidence.zip of a run.")],
    public_key: Annotated[
        Path | None,
        typer.Option("--public-key", metavar="FILE", help="Whose signature it must bear: a key in PEM."),
    ] = None,
    timestamp: Annotated[
        Path | None, typer.Option("--timestamp", metavar="FILE", help="A time stamp over FILE (RFC 3161).")
    ] = None,
    tsa_ca: Annotated[
        Path | None,
        typer.Option(
            "--tsa-ca", metavar="FILE", help="The certificates that the stamp must rest on, in PEM."
        ),
    ] = None,
    reperform: Annotated[
        bool, typer.Option("--reperform", help="Compute the figures again from the inputs and compare.")
    ] = False,
    source: Annotated[
        Path | None,
        typer.Option("--source", metavar="DIR", help="The inputs, where the pack doesn't hold them."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> int:
    """Checks every byte of an evidence pack and answers for each member.

    Exit code 0: nothing is wrong; 1: something is, and named; 2: not a pack, or it can't be read.

    Example: tieout evidence verify results/evidence.zip --public-key controller.pub.pem --reperform
    """
    return verified(file, public_key, timestamp, tsa_ca, reperform, source, as_json=json)
