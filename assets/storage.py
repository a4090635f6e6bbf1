"""Finds and opens the files of a source: companies, tables, parts; text stays text.

Here: folders, CSV and Parquet, hashes, and faults of a file as a file (cut off, ragged, not UTF-8).
Not here: what a cell means (`pipelines.sources.bc_extract`).
"""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import polars as pl

from pipelines.sources import bc_extract
from pipelines.sources.bc_extract import COMPANY, Part, Table
from schemas import bc
from schemas.bc import Extract
from schemas.faults import InputError

FORMATS = (".csv", ".parquet")
_CHUNK = 1 << 22
_LONGEST_CELL = 1 << 27


class Company(NamedTuple):
    """One ledger of a source: name, folder, and which rows to take where a file holds several companies."""

    name: str
    folder: Path
    filter: str | None


def companies(source: Path) -> list[Company]:
    """The companies of a source in name order: one folder each, or the values of the column ``company``."""
    if not source.is_dir():
        raise InputError(f"{source}: is not a folder. Name the folder that holds the exported tables.")
    with _faults_of_files(source):
        return _require_one_each(source, sorted(_found(source)))


class Given(NamedTuple):
    """What one table is read from: its place in the source, its hash, its files by their place."""

    path: str
    sha256: str
    files: Mapping[str, Path]


def read_company(source: Path, company: str | None = None) -> Extract:
    """One company's extract; ``company`` may be left out where the source holds only one."""
    name, folder, company_filter = _one(source, company)
    with _faults_of_files(source):
        tables = _read(source, _tables(folder))
        return bc_extract.extract(name, tables, company_filter, _unknown_tables(folder))


def input_files(source: Path, company: str | None = None) -> dict[str, Given]:
    """The files that a company's extract is read from, table by table, with the hashes that a run states."""
    folder = _one(source, company).folder
    with _faults_of_files(source):
        return {table: _given(source, path) for table, path in _tables(folder).items()}


def _given(source: Path, path: Path) -> Given:
    shown = path.relative_to(source).as_posix()
    files = {f"{shown}/{file.name}" if path.is_dir() else shown: file for file in _files(path)}
    hashes = {place: _sha256(file) for place, file in files.items()}
    return Given(shown, _sha256_of_all(path, hashes), files)


def _one(source: Path, company: str | None) -> Company:
    """The company that is asked for, or the only one."""
    found = companies(source)
    chosen = [c for c in found if company in (None, c.name)]
    if len(chosen) != 1:
        names = ", ".join(c.name for c in found)
        wanted = "no company is chosen" if company is None else f"there is no company {company!r}"
        raise InputError(f"{source}: {wanted}. Choose one of: {names}.")
    return chosen[0]


def _found(source: Path) -> list[Company]:
    folders = [f for f in sorted(source.iterdir()) if _is_company(f)]
    if not _tables(source):
        found = [company for folder in folders for company in _companies_of(folder, folder.name)]
    elif any(_tables(folder) for folder in folders):
        folder = next(folder for folder in folders if _tables(folder))
        raise InputError(
            f"{source}: holds tables itself and a company in {folder.name}. Keep one of the two."
        )
    else:
        found = _companies_of(source, source.resolve().name)
    if not found:
        raise InputError(
            f"{source}: holds no table. Put value_entry.csv, gl_entry.csv and the setups into it."
        )
    return found


def _unknown_tables(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(p.name for p in folder.iterdir() if _holds_rows(p) and _table(p) not in bc.fields()))


@contextmanager
def _faults_of_files(source: Path) -> Iterator[None]:
    """A file or folder that can't be opened is a fault of the input."""
    try:
        yield
    except OSError as error:
        place = Path(error.filename or source)
        shown = place.relative_to(source) if place.is_relative_to(source) else place
        raise InputError(
            f"{shown}: can't be opened ({error.strerror}). Check that it is there and readable."
        ) from None


def _is_company(folder: Path) -> bool:
    """A folder that holds exported rows and isn't itself named like a table."""
    if not folder.is_dir() or folder.name.startswith(".") or _table(folder) in bc.fields():
        return False
    return any(_holds_rows(path) for path in folder.iterdir())


def _companies_of(folder: Path, name: str) -> list[Company]:
    """The companies in one folder of tables, by the column ``company`` of the entries where they have one."""
    tables = _tables(folder)
    names = [_company_names(path) for table, path in tables.items() if table in ("value_entry", "gl_entry")]
    given = sorted({company for found in names if found is not None for company in found})
    return [Company(company, folder, company) for company in given] or [Company(name, folder, None)]


def _company_names(path: Path) -> set[str] | None:
    """The companies that a table's rows name; None without such a column."""
    names: set[str] = set()
    for file in _files(path):
        headers = [h for h in _header(file, file.name) if bc.snake(h) == COMPANY]
        if not headers:
            return None
        column = _columns(file, file.name, headers)[headers[0]]
        names |= {str(company).strip() for company in column.unique() if company is not None}
    return names - {""}


def _require_one_each(source: Path, found: list[Company]) -> list[Company]:
    names = [company.name for company in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{source}: company {twice} stands in two folders. Keep one of them.")
    return found


def _tables(folder: Path) -> dict[str, Path]:
    """Table -> its file or folder of parts; a table that is there twice is a fault."""
    tables: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        table = _table(path)
        if path.name.startswith(".") or table is None or table not in bc.fields():
            continue
        if table in tables:
            raise InputError(
                f"{folder}: {tables[table].name} and {path.name} both hold {table}. Keep one of them."
            )
        tables[table] = path
    return tables


def _table(path: Path) -> str | None:
    """The table that a file or folder is named after."""
    if path.is_dir() or path.suffix.lower() in FORMATS:
        return bc.snake(path.name if path.is_dir() else path.stem)
    return None


def _holds_rows(path: Path) -> bool:
    if path.name.startswith((".", "_")):
        return False
    if path.is_dir():
        return any(file.suffix.lower() in FORMATS for file in path.iterdir())
    return path.suffix.lower() in FORMATS


def _files(path: Path) -> list[Path]:
    """The parts of a table in file name order."""
    if path.is_file():
        return [path]
    found = [f for f in sorted(path.iterdir()) if f.is_file() and _holds_rows(f)]
    if not found:
        raise InputError(
            f"{path.name}: the folder holds no .csv or .parquet file. Export the table or remove it."
        )
    if len({file.suffix.lower() for file in found}) > 1:
        raise InputError(f"{path.name}: the folder holds CSV and Parquet. Keep the parts of one format.")
    return found


def _read(source: Path, tables: dict[str, Path]) -> Iterator[Table]:
    """The tables one after the other, so that only one is in memory as text."""
    for name, path in tables.items():
        given = _given(source, path)
        parts, unknown = [], set[str]()
        for place, file in given.files.items():
            part, ignored = _part(name, place, file)
            parts.append(part)
            unknown |= ignored
        yield Table(name, given.path, tuple(parts), given.sha256, tuple(sorted(unknown)))


def _part(table: str, place: str, file: Path) -> tuple[Part, set[str]]:
    """One file, only the columns that the table knows, and the headers that it doesn't."""
    header = _header(file, place)
    known = bc_extract.known_columns(table, header)
    if not known:
        raise InputError(
            f"{place}: none of its columns belongs to {table}. Use Business Central's names in the header."
        )
    columns = _columns(file, place, list(known))
    return Part(place, columns, lambda row: _line(file, row)), {h for h in header if h not in known}


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sha256_of_all(path: Path, hashes: dict[str, str]) -> str:
    """A file's own hash; for a folder the hash over its sorted names and hashes."""
    if path.is_file():
        return next(iter(hashes.values()))
    lines = "".join(f"{place.rsplit('/', 1)[-1]}\0{digest}\n" for place, digest in sorted(hashes.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _header(file: Path, place: str) -> list[str]:
    """The names in the first line, or of the Parquet schema; a name may occur once."""
    if file.stat().st_size == 0:
        raise InputError(f"{place}: the file is empty, without even a header. Export it again.")
    header = _csv_header(file, place) if file.suffix.lower() == ".csv" else _parquet_header(file, place)
    twice = next((name for name in header if name and header.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{place}, line 1: column {twice!r} stands twice. Rename or remove one of them.")
    return header


def _columns(file: Path, place: str, names: list[str]) -> pl.DataFrame:
    if file.suffix.lower() == ".csv":
        return _csv_columns(file, place, names)
    with _faults_of_parquet(place):
        return pl.read_parquet(file, columns=names, glob=False, hive_partitioning=False)


def _line(file: Path, row: int) -> str:
    """Where the 0-based row stands: the line of a CSV file, the 1-based row of a Parquet file."""
    if file.suffix.lower() != ".csv":
        return f"row {row + 1}"
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        for number, (line, _) in enumerate(_records(stream)):
            if number == row + 1:
                return f"line {line}"
    return f"row {row + 1}"


def _records(
    stream: io.TextIOBase | io.TextIOWrapper, strict: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """The records of a CSV file, each with the line on which it starts; blank lines are none."""
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(stream, strict=strict)
    start = 1
    for record in reader:
        if record:
            yield start, record
        start = reader.line_num + 1


def _csv_header(file: Path, place: str) -> list[str]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            first = next(_records(stream), None)
    except (UnicodeDecodeError, csv.Error):
        raise _csv_fault(file, place) from None
    if first is None:
        raise InputError(f"{place}: holds blank lines only, without a header. Export it again.")
    header = [name.strip() for name in first[1]]
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        mark = next(mark for mark in ";\t|" if mark in header[0])
        raise InputError(f"{place}, line 1: the columns are separated by {mark!r}. Export with commas.")
    return header


def _csv_columns(file: Path, place: str, names: list[str]) -> pl.DataFrame:
    """The named columns as text, blank cells as ""; every record has as many cells as the header."""
    import pyarrow
    from pyarrow import csv as arrow

    header = _csv_header(file, place)
    try:
        if _has_open_quote(file):
            raise _csv_fault(file, place)
        table = arrow.read_csv(
            file,
            read_options=arrow.ReadOptions(block_size=_CHUNK * 4, column_names=_numbered(header)),
            parse_options=arrow.ParseOptions(newlines_in_values=True),
            convert_options=arrow.ConvertOptions(
                column_types={name: pyarrow.string() for name in _numbered(header)},
                include_columns=[f"{header.index(name)}" for name in names],
                strings_can_be_null=False,
            ),
        )
    except pyarrow.ArrowInvalid:
        raise _csv_fault(file, place) from None
    frame = pl.DataFrame(pl.from_arrow(table))[1:]
    return frame.rename({f"{header.index(name)}": name for name in names})


def _numbered(header: list[str]) -> list[str]:
    return [f"{position}" for position in range(len(header))]


def _has_open_quote(file: Path) -> bool:
    """Quotes come in pairs; an odd number is a first sign of a file that was cut off inside one."""
    with file.open("rb") as stream:
        odd = sum(chunk.count(b'"') for chunk in iter(lambda: stream.read(_CHUNK), b"")) % 2 == 1
    return odd and _open_quote(file) is not None


def _open_quote(file: Path) -> int | None:
    """The line of the record whose quote is never closed."""
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        line = 1
        try:
            for line, _ in _records(stream, strict=True):  # noqa: B007
                pass
        except csv.Error as error:
            return line + 1 if "unexpected end of data" in str(error) else None
    return None


def _csv_fault(file: Path, place: str) -> InputError:
    """What is wrong with the file as CSV, with the first place where it shows."""
    line = _open_quote(file)
    if line is not None:
        return InputError(
            f"{place}, after line {line - 1}: a quote is never closed; the file was cut off. Export it again."
        )
    if file.read_bytes()[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return InputError(f"{place}: the file is UTF-16. Save it as UTF-8.")
    with file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
        header: list[str] = []
        for line, record in _records(stream):
            header = header or record
            if len(record) != len(header):
                many = (
                    "Quote cells that hold a comma."
                    if len(record) > len(header)
                    else "A cell is missing, or the file was cut off."
                )
                return InputError(
                    f"{place}, line {line}: holds {len(record)} cells for {len(header)} columns. "
                    f"{many} Export it again."
                )
            for name, cell in zip(header, record, strict=True):
                if not cell.isascii() and any("\udc80" <= letter <= "\udcff" for letter in cell):
                    shown = cell.encode("utf-8", "surrogateescape").decode("latin-1")
                    return InputError(
                        f"{place}, line {line}, column {name!r}: {shown!r} is not UTF-8 (shown as Latin-1). "
                        "Save the file as UTF-8."
                    )
    return InputError(f"{place}: can't be read as CSV. Export it again, as UTF-8 with commas.")


def _parquet_header(file: Path, place: str) -> list[str]:
    with _faults_of_parquet(place):
        return list(pl.read_parquet_schema(file))


@contextmanager
def _faults_of_parquet(place: str) -> Iterator[None]:
    """A file that Polars can't open is a fault of the file, whatever the reader calls it."""
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{place}: can't be read as Parquet, it is damaged or cut off ({reason}). Export it again."
        ) from None
