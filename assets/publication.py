"""Puts a run's results where readers find them: the old run or the new one, never half.

``DIR`` is a link. It points into the folder ``.DIR.runs`` beside it, where each run has its own folder,
written completely and flushed to disk before the link is switched in one step. The run before the current
one is kept for readers who are still in it; older ones are removed. What isn't a link of ours is refused.

Here: folders, bytes, their order. Not here: what the tables mean (``schemas.marts``), what the page shows
(``reports``).
"""

import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from assets.evidence import pack
from assets.evidence.pack import Evidence
from schemas import marts as contracts
from schemas import money
from schemas.faults import InputError
from schemas.ledger import Books

MARKER = ".tieout"
PROFILE = "profile.json"

#: The rows of a mart are published in this order; what is equal in it is ordered by the other columns.
ORDER: Mapping[str, Sequence[str]] = {
    "tie_outs": ("account_no",),
    "differences": ("finding_id", "account_no", "value_entry_no", "gl_entry_no", "account_role"),
    "expected_postings": ("value_entry_no", "cost_kind", "account_role", "account_no", "rule_id"),
    "roll_forward": ("account_no", "side", "ordinal"),
    "actual_postings": ("gl_entry_no", "value_entry_no", "cost_kind", "account_role"),
    "reconciliations": ("reconciliation", "key"),
    "setup_timeline": ("setup_table", "key_1", "key_2", "account_role", "first_gl_entry_no", "account_no"),
    "setup_findings": ("setup_table", "key_1", "key_2", "kind", "account_role", "account_no", "sentence"),
    "post_test": ("message_no", "value_entry_no", "cost_kind", "account_role", "message"),
    "valuation": ("item_no", "variant_code", "location_code", "inventory_posting_group"),
    "breakdowns": ("by", "account_no", "key"),
    "bc_matrix": ("view", "row_no"),
    "wip_orders": ("order_no", "order_line_no", "account_no"),
    "proposals": ("proposal_id", "finding_id", "line_no", "setup_table", "setup_key_1", "setup_key_2"),
    "clearing_items": ("account_no", "item_key"),
    "clearing_matches": ("account_no", "rule_id", "item_key"),
    "accrual_proposals": ("received_on", "item_ledger_entry_no"),
}


class Results(NamedTuple):
    """All that is published of one company."""

    marts: Mapping[str, pl.DataFrame]
    summary: Mapping[str, Any]
    report: str
    workpapers: bytes
    profile: Mapping[str, Any]
    evidence: Evidence = Evidence()


def publish(results: Results, out: Path, part: Path | None = None) -> Path:
    """Publishes one company in ``out`` and returns the folder that it now points to.

    With ``part``, a folder in a draft, the files only wait there until the draft is switched to.
    """
    if part is not None:
        return write(results, part)
    with draft(out) as folder:
        return switch(write(results, folder), out)


def marts(tables: Mapping[str, pl.DataFrame], books: Books) -> dict[str, pl.DataFrame]:
    """The tables as they are published: the contract's columns, the company's scale, rows in order."""
    shaped = dict(tables)
    shaped["tie_outs"] = tables["tie_outs"].with_columns(
        by_cause(tables["tie_outs"]["explained"], books.scale)
    )
    shaped["expected_postings"] = tables["expected_postings"].filter(pl.col("account_role").is_not_null())
    return {
        name: arranged(name, contracts.published(name, table, books.scale, books.scale_acy))
        for name, table in shaped.items()
    }


def by_cause(explained: pl.Series, scale: int) -> pl.Series:
    """The explained amounts as JSON text {cause: amount}."""
    texts = ({part["cause"]: money.text(part["difference"], scale) for part in parts} for parts in explained)
    return pl.Series(explained.name, [json.dumps(text) for text in texts], pl.String)


@contextmanager
def draft(out: Path) -> Iterator[Path]:
    """A new folder beside ``out`` to write a run in; what isn't switched to is removed at the end."""
    runs = prepared(absolute(out))
    with turn(runs):  # else another writer could take the new folder for one whose writer is gone
        folder = Path(tempfile.mkdtemp(prefix="draft-", dir=runs))
        held = os.open(folder, os.O_RDONLY)
        lock(held)
    try:
        folder.chmod(0o777 & ~umask())
        yield folder
    finally:
        os.close(held)
        shutil.rmtree(folder, ignore_errors=True)


def write(results: Results, folder: Path) -> Path:
    """Writes one company's files, the same bytes for the same results; only the profile is free to differ.

    The evidence pack is written behind all of them, and holds them, and before the profile.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, mart in results.marts.items():
        write_table(mart, folder / name)
    write_json(results.summary, folder / "summary.json")
    (folder / "report.html").write_text(results.report, encoding="utf-8", newline="\n")
    (folder / "workpapers.xlsx").write_bytes(results.workpapers)
    pack.write(results.evidence, folder)
    write_json(results.profile, folder / PROFILE)
    return folder


def write_table(table: pl.DataFrame, path: Path) -> None:
    """The table as Parquet and as CSV, with nothing in either that depends on the machine or the clock."""
    parquet, csv = path.with_suffix(".parquet"), path.with_suffix(".csv")
    table.write_parquet(parquet, compression="zstd", compression_level=3, row_group_size=250_000)
    table.write_csv(csv, line_terminator="\n")


def write_json(content: Mapping[str, Any], path: Path) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")


def arranged(name: str, mart: pl.DataFrame) -> pl.DataFrame:
    """The rows in the one order that a table has, however they were computed."""
    first = [column for column in ORDER.get(name, ()) if column in mart.columns]
    rest = [column for column in mart.columns if column not in first]
    return mart.sort(first + rest, nulls_last=True).rechunk()


def switch(folder: Path, out: Path) -> Path:
    """Makes a finished draft the published run, in one step, and removes the runs that nobody needs."""
    out = absolute(out)
    runs = prepared(out)
    flush(folder)
    with turn(runs):
        previous = target(out)
        version = named_by_content(folder, runs)
        folder.rename(version)
        link(out, version)
        prune(runs, keep={version.name, previous})
    return version


@contextmanager
def turn(runs: Path) -> Iterator[None]:
    """Lets one writer at a time make, switch and remove folders of runs."""
    held = os.open(runs / MARKER, os.O_RDWR)
    try:
        lock(held, wait=True)
        yield
    finally:
        os.close(held)


def named_by_content(folder: Path, runs: Path) -> Path:
    """A free name for a run: a digest of all that has to be the same when it is repeated, and a counter."""
    digest = content_digest(folder)[:16]
    counters = (f"{digest}-{n}" for n in range(1, 1_000_000))
    return next(runs / name for name in counters if not (runs / name).exists())


def content_digest(folder: Path) -> str:
    """A hash over names and bytes of all files but the profiles."""
    digest = hashlib.sha256()
    for path in files(folder):
        if path.name != PROFILE:
            digest.update(json.dumps(path.relative_to(folder).as_posix()).encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def link(out: Path, version: Path) -> None:
    """Points ``out`` to a run; readers see the link before or after, there is no moment between."""
    new = version.parent / "link-new"
    with suppress(FileNotFoundError):
        new.unlink()
    new.symlink_to(Path(version.parent.name) / version.name, target_is_directory=True)
    if out.is_dir() and not out.is_symlink():
        remove_empty(out)
    new.replace(out)
    flush_folder(out.parent)


def remove_empty(out: Path) -> None:
    try:
        out.rmdir()
    except OSError as fault:
        advice = (
            "It is in use as a mount point"
            if fault.errno == errno.EBUSY
            else f"It can't be replaced ({fault})"
        )
        raise InputError(f"{out}: {advice}. Give a folder inside it: --out {out / 'tieout-out'}") from None


def target(out: Path) -> str | None:
    """The name of the run that is published now."""
    return out.readlink().name if out.is_symlink() else None


def prune(runs: Path, keep: set[str | None]) -> None:
    """Removes older runs, and drafts whose writer is gone."""
    for folder in runs.iterdir():
        is_old = folder.is_dir() and not folder.is_symlink() and folder.name not in keep
        if is_old and not is_being_written(folder):
            shutil.rmtree(folder, ignore_errors=True)


def is_being_written(folder: Path) -> bool:
    if not folder.name.startswith("draft-"):
        return False
    held = os.open(folder, os.O_RDONLY)
    try:
        return not lock(held)
    finally:
        os.close(held)


def lock(held: int, wait: bool = False) -> bool:
    """Takes the lock on an open file or folder; False when another process has it. Closing gives it up."""
    try:
        import fcntl
    except ImportError:  # Windows has no such locks: there two runs to one folder must not overlap
        return True
    try:
        fcntl.flock(held, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


def absolute(out: Path) -> Path:
    """The place as it was named, links in it not followed."""
    return Path(os.path.abspath(out.expanduser()))  # noqa: PTH100 - Path.resolve would follow the link


def prepared(out: Path) -> Path:
    """The folder of runs beside ``out``, made where needed; an error when ``out`` isn't ours to replace."""
    refuse_foreign(out)
    runs = runs_folder(out)
    try:
        runs.mkdir(parents=True, exist_ok=True)
        if not (runs / MARKER).exists():
            if any(path.name != MARKER for path in runs.iterdir()):
                raise InputError(
                    f"{runs}: holds files that aren't tieout's. Move them, or give another --out."
                )
            (runs / MARKER).write_text(
                "Runs of tieout; the link beside this folder points to the current one.\n"
            )
    except OSError as fault:
        raise InputError(
            f"{out}: can't be written: {fault.strerror}. Give another folder: --out DIR."
        ) from None
    return runs


def is_run(out: Path) -> bool:
    """Whether the place is a link that tieout made: one run's results, not a folder for several."""
    if not out.is_symlink():
        return False
    told = Path(os.path.normpath(out.parent / out.readlink()))
    return told.parent == Path(os.path.normpath(runs_folder(out)))


def refuse_foreign(out: Path) -> None:
    if out.is_symlink():
        if not is_run(out):
            raise InputError(f"{out}: is a link that tieout didn't make, left as it is. Give another --out.")
    elif out.is_dir():
        if out.resolve() == Path.cwd():
            raise InputError(
                f"{out}: is the working folder. Give a folder inside it: --out {out / 'tieout-out'}"
            )
        if any(out.iterdir()):
            raise InputError(
                f"{out}: has files that aren't tieout's, left as they are. Give a new or empty folder."
            )
    elif out.exists():
        raise InputError(f"{out}: is a file. Give a folder: --out DIR.")


def runs_folder(out: Path) -> Path:
    return out.parent / f".{out.name}.runs"


def flush(folder: Path) -> None:
    """Returns when every file of the folder is on the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    for path in [*folder.rglob("*"), folder]:
        if path.is_dir():
            flush_folder(path)


def flush_folder(folder: Path) -> None:
    with suppress(PermissionError):  # Windows doesn't open folders
        held = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(held)
        finally:
            os.close(held)


def umask() -> int:
    """The file mode mask of the process; it can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def folder_names(companies: Iterable[str]) -> dict[str, str]:
    """A folder name for each company: its own name where that is safe, else a cleaned one with a digest."""
    names: dict[str, str] = {}
    taken = {"summary.json"}
    for company in sorted(companies):
        name = safe(company)
        if name != company or name.casefold() in taken:
            name = f"{name}-{hashlib.sha256(company.encode()).hexdigest()[:8]}"
        taken.add(name.casefold())
        names[company] = name
    return names


def safe(company: str) -> str:
    """The name without what a file system may refuse or take for a path."""
    kept = "".join("_" if unicodedata.category(c)[0] == "C" or c in '/\\:*?"<>|' else c for c in company)
    cut = kept.encode()[:100].decode(errors="ignore")
    return re.sub(r"^[.\s]+|\s+$", "", cut) or "company"
