"""Types an export of Business Central: text or Parquet columns in, one company's typed tables out.

Here: headers, cells, defaults, keys, scale; a cell that can't be read is a fault that names its place.
Not here: finding and opening files (`assets.storage`), and what the tables mean (`pipelines.sources.bc`).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import polars as pl

from schemas import bc, contracts, money
from schemas.bc import Extract, Field, Input
from schemas.faults import InputError

COMPANY = "company"

_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)$"
_INTEGER = r"^[+-]?[0-9]+(\.0*)?$"
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]00:00(:00([.][0-9]+)?)?(Z|\+00:?00)?)?$"
_DATETIME = (
    r"^(?<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"([T ](?<clock>[0-9]{2}:[0-9]{2})(:(?<second>[0-9]{2})([.](?<fraction>[0-9]+))?)?"
    r" ?(?<zone>Z|UTC|[+-][0-9]{2}:?[0-9]{2})?)?$"
)
#: What trimming, and writing a code in upper case, may change: blanks at the ends, lower case, anything
#: beyond plain ASCII.
_ODD_IN_TEXT = "^ | $|[^ -~]"
_ODD_IN_CODE = "^ | $|[^ -`{|}~]"
#: Business Central has no null date: these days stand for "no date", by way of JSON and SQL.
BLANK_DAYS = ("0001-01-01", "1753-01-01")
_PLAIN_DAYS = (date(1753, 1, 2), date(9999, 12, 31))
_TRUTHS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@dataclass(frozen=True)
class Part:
    """One file of a table as it was read, nothing interpreted: columns named as in its header."""

    path: str
    columns: pl.DataFrame
    line: Callable[[int], str]  # 0-based row -> where it stands: "line 8" or "row 7"


@dataclass(frozen=True)
class Table:
    """The files of one table, in file name order, with the hash of their bytes."""

    name: str
    path: str
    parts: tuple[Part, ...]
    sha256: str
    unknown_columns: tuple[str, ...] = ()


class _Cells(NamedTuple):
    """A typed column: null where blank, and which rows hold something that is not of the type."""

    values: pl.Series
    is_blank: pl.Series
    is_wrong: pl.Series


class _Rows(NamedTuple):
    """The typed rows of one part, each with the row of the file that it came from."""

    part: Part
    frame: pl.DataFrame
    numbers: pl.Series
    given: frozenset[str]


def extract(
    company: str,
    tables: Iterable[Table],
    company_filter: str | None = None,
    unknown_tables: tuple[str, ...] = (),
) -> Extract:
    """One company's tables, typed by the rows of `bc_fields.csv`.

    A blank cell and an absent column both take the field's default. With ``company_filter`` only the rows
    whose column ``company`` says so are read. Amounts keep every digit: more than 5 decimals is a fault.
    """
    typed: dict[str, pl.DataFrame] = {}
    given: dict[str, frozenset[str]] = {}
    sources: list[Table] = []
    for table in tables:
        typed[table.name], given[table.name] = _typed(table, company_filter)
        sources.append(table)
    _require_tables(company, typed)
    scale, scale_acy = (_scale(typed, given, unit) for unit in (bc.LCY, bc.ACY))
    inputs = tuple(_input(t, typed[t.name], given[t.name], scale, scale_acy) for t in sources)
    return Extract(company, typed, given, inputs, scale, scale_acy, unknown_tables)


def known_columns(table: str, headers: Iterable[str]) -> dict[str, str]:
    """Header -> column, for the headers that name a column of the table (or the company)."""
    names = {name: field.column for field in bc.fields()[table] for name in field.names}
    names.setdefault(COMPANY, COMPANY)
    return {header: names[bc.snake(header)] for header in headers if bc.snake(header) in names}


def _typed(table: Table, company_filter: str | None) -> tuple[pl.DataFrame, frozenset[str]]:
    parts = [_rows(table.name, part, company_filter) for part in table.parts]
    for part in parts[1:]:
        _require_same_columns(parts[0], part)
    frame = pl.concat([part.frame for part in parts]) if len(parts) > 1 else parts[0].frame
    if table.name in bc.REQUIRED_TABLES and not frame.height:
        whose = "" if company_filter is None else f" of {company_filter}"
        raise InputError(
            f"{table.path}: has no rows{whose}. {table.name} is required; export it with its rows."
        )
    _require_unique(table.name, frame, parts)
    return frame, parts[0].given


def _rows(table: str, part: Part, company_filter: str | None) -> _Rows:
    headers = _headers(table, part)
    columns, numbers = _of_company(part, headers.get(COMPANY), company_filter)
    fields = bc.fields()[table]
    given = [
        _column(columns[headers[field.column]], field, part, numbers)
        for field in fields
        if field.column in headers
    ]
    absent = [_absent(field) for field in fields if field.column not in headers]
    frame = pl.DataFrame(given, height=columns.height).with_columns(*absent)
    return _Rows(
        part, frame.select(field.column for field in fields), numbers, frozenset(headers) - {COMPANY}
    )


def _of_company(part: Part, header: str | None, company_filter: str | None) -> tuple[pl.DataFrame, pl.Series]:
    """The rows of one company, and their numbers in the file; every row must say whose it is."""
    numbers = pl.Series("row", range(part.columns.height), dtype=pl.Int64)
    if header is None and company_filter is None:
        return part.columns, numbers
    if header is None or company_filter is None:
        odd = "lacks the column company" if header is None else "has a column company, the entries have none"
        raise InputError(f"{part.path}: {odd}. Put it into every table or none.")
    companies = _strings(part.columns[header]).fill_null("").str.strip_chars()
    if (companies == "").any():
        row = (companies == "").arg_true()[0]
        raise InputError(f"{_place(part, row, header)}: is blank. Each row must say whose it is.")
    mine = companies == company_filter
    return part.columns.filter(mine), numbers.filter(mine)


def _headers(table: str, part: Part) -> dict[str, str]:
    """Column -> header of this file; every required column is there and no column is there twice."""
    headers: dict[str, str] = {}
    for header, column in known_columns(table, part.columns.columns).items():
        if column in headers:
            raise InputError(
                f"{part.path}: columns {headers[column]!r} and {header!r} both mean {column}. Remove one."
            )
        headers[column] = header
    for field in bc.fields()[table]:
        if field.is_required and field.column not in headers:
            raise InputError(
                f"{part.path}: column {field.column} ({field.caption!r} in Business Central) is missing. "
                f"Export it: {table} can't be read without it."
            )
    return headers


def _absent(field: Field) -> pl.Expr:
    """The default in every row; a literal takes no memory, written out it is most of a wide table."""
    return pl.lit(field.default, field.dtype).alias(field.column)


def _column(raw: pl.Series, field: Field, part: Part, numbers: pl.Series) -> pl.Series:
    """The typed column, blanks filled with the default; raises at the first cell that isn't of its type."""
    _require_exact_type(raw, field, part)
    cells = _READERS[field.type](raw, field)
    if cells.is_wrong.any():
        row = cells.is_wrong.arg_true()[0]
        value = str(_strings(raw)[row])
        raise InputError(f"{_place(part, numbers[row], raw.name)}: {_shown(value)} {_advice(field, value)}")
    values = cells.values.alias(field.column)
    if field.is_required and values.null_count():
        row = values.is_null().arg_true()[0]
        raise InputError(
            f"{_place(part, numbers[row], raw.name)}: is blank. Each row of {field.table} needs a value."
        )
    return values if field.default is None else values.fill_null(pl.lit(field.default, field.dtype))


def _place(part: Part, row: int, header: str) -> str:
    return f"{part.path}, {part.line(row)}, column {header!r}"


def _shown(value: str) -> str:
    return repr(value if len(value) <= 60 else value[:57] + "...")


def _require_exact_type(raw: pl.Series, field: Field, part: Part) -> None:
    """Refuses Parquet types that can't hold the field exactly or at all."""
    dtype = raw.dtype
    place = f"{part.path}, column {raw.name!r}"
    if dtype == pl.Float32 and field.type in {"decimal", "integer", "code"}:
        raise InputError(
            f"{place}: is Float32, which can't hold an amount exactly. Write it as Decimal or text."
        )
    if dtype.is_float() and field.type == "code" and raw.null_count() < len(raw):
        raise InputError(
            f"{place}: is a floating point number, but {field.caption} is a code. Write it as text."
        )
    if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
        raise InputError(f"{place}: has the type {dtype}. Write it as {_plain_type(field)} or text.")


def _plain_type(field: Field) -> str:
    names = {
        "decimal": "Decimal",
        "integer": "Int64",
        "boolean": "Boolean",
        "date": "Date",
        "datetime": "Datetime",
    }
    return names.get(field.type, "String")


def _strings(raw: pl.Series) -> pl.Series:
    """The cells as text that says exactly what they hold."""
    if raw.dtype == pl.Datetime:
        return raw.dt.strftime("%Y-%m-%dT%H:%M:%S%.3f")
    if raw.dtype.is_float():
        return _expanded(raw.cast(pl.String))
    return raw.cast(pl.String)


def _expanded(numbers: pl.Series) -> pl.Series:
    """Exponents written out; only the few numbers that have one are touched."""
    exponents = numbers.filter(numbers.str.contains("e").fill_null(False)).unique().to_list()
    return numbers.replace({number: f"{Decimal(number):f}" for number in exponents}) if exponents else numbers


def _text(raw: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The trimmed text of the cells and which are blank."""
    text = _strings(raw).fill_null("").str.strip_chars()
    return text, text == ""


def _is_clean(raw: pl.Series, odd: str) -> bool:
    """Whether every cell is text as it must be already: a look costs half of trimming, and copies nothing."""
    return raw.dtype == pl.String and not raw.null_count() and not raw.str.contains(odd).any()


def _codes(raw: pl.Series, field: Field) -> _Cells:
    if _is_clean(raw, _ODD_IN_CODE):
        return _Cells(raw, raw == "", _none(raw))
    text, blank = _text(raw)
    return _Cells(text.str.to_uppercase(), blank, _none(raw))


def _texts(raw: pl.Series, field: Field) -> _Cells:
    if _is_clean(raw, _ODD_IN_TEXT):
        return _Cells(raw, raw == "", _none(raw))
    text, blank = _text(raw)
    return _Cells(text, blank, _none(raw))


def _guids(raw: pl.Series, field: Field) -> _Cells:
    text, blank = _text(raw)
    return _Cells(text.str.strip_chars("{}").str.to_lowercase(), blank, _none(raw))


def _integers(raw: pl.Series, field: Field) -> _Cells:
    if raw.dtype.is_integer():
        values = raw.cast(pl.Int64, strict=False)
        return _Cells(values, raw.is_null(), values.is_null() & raw.is_not_null())
    text, blank = _text(raw)
    values = text.str.replace(r"\.0*$", "").str.strip_prefix("+").cast(pl.Int64, strict=False)
    return _Cells(values, blank, ~blank & (~text.str.contains(_INTEGER) | values.is_null()))


def _decimals(raw: pl.Series, field: Field) -> _Cells:
    fits_as_it_is = isinstance(raw.dtype, pl.Decimal) and raw.dtype.scale <= _scale_of_type(field)
    if raw.dtype.is_integer() or fits_as_it_is:
        values = raw.cast(field.dtype, strict=False)
        return _Cells(values, raw.is_null(), values.is_null() & raw.is_not_null())
    text, blank = _text(raw)
    values = text.cast(field.dtype, strict=False).set(blank, None)
    fits = text.str.contains(_NUMBER) & ~text.str.contains(_too_fine(field))
    return _Cells(values, blank, ~blank & (~fits | values.is_null()))


def _too_fine(field: Field) -> str:
    """A number with a digit that isn't 0 beyond the scale: Polars would round it without a word."""
    return rf"\.[0-9]{{{_scale_of_type(field)}}}[0-9]*[1-9]"


def _scale_of_type(field: Field) -> int:
    return money.LARGEST_SCALE if field.is_amount else 20


def _booleans(raw: pl.Series, field: Field) -> _Cells:
    if raw.dtype == pl.Boolean:
        return _Cells(raw, raw.is_null(), _none(raw))
    text, blank = _text(raw)
    values = text.str.to_lowercase().replace_strict(_TRUTHS, default=None, return_dtype=pl.Boolean)
    return _Cells(values, blank, ~blank & values.is_null())


def _dates(raw: pl.Series, field: Field) -> _Cells:
    if raw.dtype == pl.Date and raw.is_between(*_PLAIN_DAYS).fill_null(True).all():
        return _Cells(raw, raw.is_null(), _none(raw))  # as text they take 20 times as long
    text, blank = _text(raw)
    day = text.str.slice(0, 10)
    blank = blank | (day.is_in(BLANK_DAYS) & text.str.contains(_DATE))
    values = day.str.to_date("%Y-%m-%d", strict=False).set(blank, None)
    return _Cells(values, blank, ~blank & (values.is_null() | ~text.str.contains(_DATE)))


def _datetimes(raw: pl.Series, field: Field) -> _Cells:
    if isinstance(raw.dtype, pl.Datetime) and raw.dtype.time_zone:
        raw = raw.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    text, blank = _text(raw)
    found = text.str.extract_groups(_DATETIME).struct
    blank = blank | (found["day"].is_in(BLANK_DAYS)).fill_null(False)
    clock = found["clock"].fill_null("00:00") + ":" + found["second"].fill_null("00")
    local = (found["day"] + " " + clock).str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="ms", strict=False)
    millis = found["fraction"].fill_null("").str.pad_end(3, "0").str.slice(0, 3).cast(pl.Int64)
    values = local + (millis - _offset(found["zone"])).cast(pl.Duration("ms"))
    return _Cells(values.set(blank, None), blank, ~blank & values.is_null())


def _offset(zone: pl.Series) -> pl.Series:
    """Milliseconds by which the zone is ahead of UTC."""
    found = zone.str.extract_groups(r"^(?<sign>[+-])(?<hours>[0-9]{2}):?(?<minutes>[0-9]{2})$").struct
    minutes = found["hours"].cast(pl.Int64) * 60 + found["minutes"].cast(pl.Int64)
    signs = found["sign"].replace_strict({"-": -1, "+": 1}, default=0, return_dtype=pl.Int64)
    return (minutes.fill_null(0) * signs.fill_null(0)) * 60_000


def _options(raw: pl.Series, field: Field) -> _Cells:
    """Ordinals and captions in any case; a blank cell is the blank option where there is one."""
    if raw.dtype == pl.String and raw.is_in(list(field.options.values())).fill_null(False).all():
        return _Cells(raw, raw == "", _none(raw))
    text, blank = _text(raw)
    names = {name.lower(): name for name in field.options.values()} | dict(field.options)
    values = text.str.replace(r"^([0-9]+)\.0*$", "$1").str.to_lowercase()
    values = values.replace_strict(names, default=None, return_dtype=pl.String)
    return _Cells(values, blank, ~blank & values.is_null())


def _none(raw: pl.Series) -> pl.Series:
    return pl.Series([False], dtype=pl.Boolean).new_from_index(0, len(raw))


_READERS: Mapping[str, Callable[[pl.Series, Field], _Cells]] = {
    "code": _codes,
    "text": _texts,
    "guid": _guids,
    "integer": _integers,
    "decimal": _decimals,
    "boolean": _booleans,
    "date": _dates,
    "datetime": _datetimes,
    "option": _options,
}


def _advice(field: Field, value: str) -> str:
    """What is wrong with the value and what to write instead."""
    return _ADVICE[field.type](field, value.strip())


def _number_advice(field: Field, value: str) -> str:
    noun = "an amount" if field.is_amount else "a number"
    digits = _scale_of_type(field)
    if re.search(_too_fine(field), value) and re.match(_NUMBER, value):
        return f"has more than {digits} decimal places. Export it at the company's own precision."
    if re.match(_NUMBER, value):
        return "is larger than any ledger can hold. Correct the export."
    return f"is not {noun}. Write it with a decimal point, without thousands separator or exponent: -1234.50."


def _date_advice(field: Field, value: str) -> str:
    if re.match(_DATETIME.replace("?<", "?P<"), value) and not re.match(_DATE, value):
        return f"has a time of day, but {field.caption} is a date. Export the date alone."
    return "is not a date. Write dates as year-month-day, like 2026-01-31."


def _option_advice(field: Field, value: str) -> str:
    known = ", ".join(f"{ordinal} {name or '(blank)'}" for ordinal, name in field.options.items())
    return f"is not an option of {field.caption}. Write the ordinal or the English caption: {known}."


def _says(text: str) -> Callable[[Field, str], str]:
    return lambda field, value: text


_ADVICE: Mapping[str, Callable[[Field, str], str]] = {
    "integer": _says("is not a whole number. Write digits only, like 1024."),
    "decimal": _number_advice,
    "boolean": _says("is neither true nor false. Write true, false, 1, 0, Yes or No."),
    "date": _date_advice,
    "datetime": _says("is not a date and time. Write it as 2026-01-31T23:59:59.999Z."),
    "option": _option_advice,
}


def _require_same_columns(first: _Rows, other: _Rows) -> None:
    odd = sorted(first.given ^ other.given)
    if odd:
        having, lacking = (first, other) if odd[0] in first.given else (other, first)
        raise InputError(
            f"{lacking.part.path}: column {odd[0]} is missing, but {having.part.path} has it. "
            "Export all parts of a table with the same columns."
        )


def _require_unique(table: str, frame: pl.DataFrame, parts: list[_Rows]) -> None:
    """Refuses a key that stands twice, naming both rows."""
    columns = bc.key(table)
    if contracts.is_rising(
        frame, columns
    ):  # as tables mostly are; counting distinct keys takes ten times as long
        return
    if frame.select(columns).n_unique() == frame.height:
        return
    keys = frame.select(columns).with_row_index("row")
    twice = keys.filter(pl.struct(columns).is_duplicated())
    same = twice.join(
        twice.head(1).drop("row"), on=columns, how="semi", nulls_equal=True, maintain_order="left"
    )
    first, second = (_where(parts, row) for row in same["row"].head(2))
    shown = ", ".join(f"{column} {value!s}" for column, value in zip(columns, same.row(0)[1:], strict=True))
    raise InputError(
        f"{second}: {shown} stands there already at {first}. A key may occur once; export again."
    )


def _where(parts: list[_Rows], row: int) -> str:
    for part in parts:
        if row < part.frame.height:
            return f"{part.part.path}, {part.part.line(part.numbers[row])}"
        row -= part.frame.height
    raise IndexError(row)


def _require_tables(company: str, typed: Mapping[str, pl.DataFrame]) -> None:
    for table in bc.REQUIRED_TABLES:
        if table not in typed:
            raise InputError(f"{company}: {table} is missing. Export it as {table}.csv or {table}.parquet.")


def _scale(typed: Mapping[str, pl.DataFrame], given: Mapping[str, frozenset[str]], unit: str) -> int:
    """Decimal places that the amounts of this currency need, over all tables."""
    scales = [
        money.scale_of(frame[field.column])
        for table, frame in typed.items()
        for field in bc.fields()[table]
        if field.unit == unit and field.column in given[table]
    ]
    return max(scales, default=money.LEAST_SCALE)


def _input(table: Table, frame: pl.DataFrame, given: frozenset[str], scale: int, scale_acy: int) -> Input:
    totals = {
        field.column: money.text(_sum(frame[field.column]), scale if field.unit == bc.LCY else scale_acy)
        for field in bc.fields()[table.name]
        if field.is_amount and field.column in given
    }
    return Input(table.name, table.path, frame.height, table.sha256, totals, table.unknown_columns)


def _sum(amounts: pl.Series) -> Decimal:
    """Exact, as `Series.sum` of a Decimal column is; its type says more than Decimal can."""
    return Decimal(amounts.sum() or 0)
