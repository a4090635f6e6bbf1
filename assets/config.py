"""What a run is told: the source, the company, the dates and the switches, from a TOML file and from flags.

Here: the typed configuration, its file and the file that ``tieout init`` writes. Not here: what the settings
do (``schemas.ledger.Settings`` is what the calculation sees of them).
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PositiveInt, ValidationError

from schemas.faults import InputError
from schemas.ledger import Settings

OUT = "tieout-out"
MONTHS = "tieout-months"
#: Keys of the file whose flag has another name.
FLAGS = {"path": "source", "roll_from": "from", "inputs": "with-inputs"}


def exact_amount(value: object) -> Decimal:
    """A positive amount as it was written, digit for digit."""
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,24}(\.[0-9]{1,5})?", value, re.ASCII):
        raise ValueError(f"{value!r} is not an amount; write digits with a decimal point, such as 0.01")
    if not Decimal(value):
        raise ValueError("must be more than 0; the smallest is 0.01 for most currencies")
    return Decimal(value)


def iso_date(value: object) -> date:
    """A day, from a TOML date or from text such as 2026-12-31."""
    if type(value) is date:
        return value
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value, re.ASCII):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError(f"{str(value)!r} is not a date; write it as 2026-12-31")


def moment(value: object) -> datetime:
    """A moment in UTC, from a TOML date and time or from text; a day alone means its end."""
    if isinstance(value, str):
        value = _read_moment(value)
    if type(value) is date:
        return datetime.combine(value, time(23, 59, 59, 999000))
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    raise ValueError(
        f"{str(value)!r} is not a moment; write it as 2026-12-31T18:00:00Z, or a day for its end"
    )


def _read_moment(text: str) -> date | datetime | str:
    """A day or a moment in ISO form; other text as it is."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+(Z|[+-][0-9:]+)?)?", text, re.ASCII):
        return text
    try:
        return date.fromisoformat(text) if len(text) == len("2026-12-31") else datetime.fromisoformat(text)
    except ValueError:
        return text


def month(value: object) -> str:
    """A month, from text such as 2026-12."""
    if isinstance(value, str) and re.fullmatch(r"(19|2[0-9])[0-9]{2}-(0[1-9]|1[0-2])", value, re.ASCII):
        return value
    raise ValueError(f"{str(value)!r} is not a month; write it as 2026-12")


def rising_days(value: object) -> tuple[int, ...]:
    """The last day of each age bucket, rising."""
    days = tuple(value) if isinstance(value, list | tuple) else ()
    is_rising = all(isinstance(d, int) and d > 0 for d in days) and list(days) == sorted(set(days))
    if not days or not is_rising:
        raise ValueError(f"{value!r} is not a list of rising numbers of days, such as [30, 60, 90]")
    return days


Amount = Annotated[Decimal, BeforeValidator(exact_amount)]
Day = Annotated[date, BeforeValidator(iso_date)]
Moment = Annotated[datetime, BeforeValidator(moment)]
Month = Annotated[str, BeforeValidator(month)]
Days = Annotated[tuple[PositiveInt, ...], BeforeValidator(rising_days)]


class Section(BaseModel):
    """A table of the file; a key that it doesn't know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Source(Section):
    """Where the exported tables are."""

    path: str | None = Field(default=None, min_length=1)
    company: str | None = Field(default=None, min_length=1)
    extracted_at: Moment | None = None


class Run(Section):
    """Up to when, how exactly and to where."""

    as_of: Day | None = None
    known_at: Moment | None = None
    roll_from: Day | None = None
    materiality: Amount = Decimal("0.01")
    out: str = Field(default=OUT, min_length=1)
    jobs: int | None = Field(default=None, ge=1)


class Switches(Section):
    """The ERP's switches, for an export without its setup tables."""

    expected_cost_posting: bool | None = None
    automatic_cost_posting: bool | None = None
    inc_non_inventory_cost: bool | None = None
    finish_order_without_output: bool | None = None


class Verdict(Section):
    """What counts, and whose rules apply."""

    warnings_count: bool = False
    localization: str = ""


class Rules(Section):
    """The user's own rows of the rule tables."""

    posting_rules: str | None = Field(default=None, min_length=1)


class Clearing(Section):
    """Further accounts whose open items are aged, and from when an item is stale."""

    accounts: dict[str, str] = {}
    stale_after_days: dict[str, PositiveInt] = {}
    buckets: dict[str, Days] = {}


class Months(Section):
    """Which months there are, where their results go, and what spreads them over processes and machines."""

    first: Month = "2020-01"
    out: str = Field(default=MONTHS, min_length=1)
    executor: str = "in_process"
    executor_config: dict[str, Any] = {}


class Evidence(Section):
    """What the evidence pack holds beside the results, and who signs it."""

    inputs: bool = False
    sign_key: str | None = Field(default=None, min_length=1)


class Config(Section):
    """A run's configuration; the model is the file, table by table."""

    source: Source = Source()
    run: Run = Run()
    switches: Switches = Switches()
    verdict: Verdict = Verdict()
    rules: Rules = Rules()
    clearing: Clearing = Clearing()
    months: Months = Months()
    evidence: Evidence = Evidence()


@dataclass(frozen=True)
class Assignment:
    """One company's run: what to read, how to judge it, where to publish."""

    source: Path
    company: str | None
    out: Path
    settings: Settings
    posting_rules: Path | None = None
    jobs: int | None = None
    months: Months = Months()
    extracted_at: datetime | None = None
    with_inputs: bool = False
    sign_key: Path | None = None


def assignment(config: Config) -> Assignment:
    """The run that a configuration asks for; an error when it names no source."""
    if config.source.path is None:
        raise InputError(
            "no source is given. Name the folder of the exported tables: "
            "tieout run --source DIR, or write a config with tieout init and then: tieout run tieout.toml."
        )
    own, key = config.rules.posting_rules, config.evidence.sign_key
    return Assignment(
        source=Path(config.source.path),
        company=config.source.company,
        out=Path(config.run.out),
        jobs=config.run.jobs,
        settings=settings(config),
        posting_rules=None if own is None else Path(own),
        months=config.months,
        extracted_at=config.source.extracted_at,
        with_inputs=config.evidence.inputs,
        sign_key=None if key is None else Path(key),
    )


def settings(config: Config) -> Settings:
    """What the calculation sees of a configuration."""
    return Settings(
        as_of=config.run.as_of,
        known_at=config.run.known_at,
        roll_from=config.run.roll_from,
        materiality=config.run.materiality,
        warnings_count=config.verdict.warnings_count,
        localization=config.verdict.localization,
        expected_cost_posting=config.switches.expected_cost_posting,
        automatic_cost_posting=config.switches.automatic_cost_posting,
        mfg_inc_non_inv_cost=config.switches.inc_non_inventory_cost,
        finish_order_without_output=config.switches.finish_order_without_output,
        clearing_accounts=config.clearing.accounts,
        stale_after_days=config.clearing.stale_after_days,
        age_buckets=config.clearing.buckets,
    )


def read(path: Path) -> Config:
    """The configuration in a TOML file; its relative folders are taken from where the file lies."""
    config = typed(path.name, parsed(path))
    return config.model_copy(
        update={
            "source": config.source.model_copy(update={"path": beside(path, config.source.path)}),
            "rules": config.rules.model_copy(
                update={"posting_rules": beside(path, config.rules.posting_rules)}
            ),
            "evidence": config.evidence.model_copy(
                update={"sign_key": beside(path, config.evidence.sign_key)}
            ),
            "run": config.run.model_copy(update={"out": beside(path, config.run.out)})
            if "out" in config.run.model_fields_set
            else config.run,
            "months": config.months.model_copy(update={"out": beside(path, config.months.out)})
            if "out" in config.months.model_fields_set
            else config.months,
        }
    )


def beside(path: Path, folder: str | None) -> str | None:
    return None if folder is None else str(path.parent / Path(folder).expanduser())


def parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"), parse_float=Decimal)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file. Write one with tieout init {path}.") from None
    except (OSError, UnicodeDecodeError) as fault:
        raise InputError(f"{path}: can't be read as text: {fault}. Give a TOML file in UTF-8.") from None
    except tomllib.TOMLDecodeError as fault:
        raise InputError(
            f"{path}: is not TOML: {fault}. Texts stand in quotes, dates as 2026-12-31."
        ) from None


def typed(name: str, tables: dict[str, Any]) -> Config:
    """The configuration that the tables describe; every fault is named with its place and what is allowed."""
    try:
        return Config.model_validate(tables)
    except ValidationError as fault:
        raise InputError("\n".join(complaints(name, fault))) from None


def chosen(
    path: Path | None,
    source: Path | None = None,
    company: str | None = None,
    as_of: str | None = None,
    out: Path | None = None,
    materiality: str | None = None,
    known_at: str | None = None,
    roll_from: str | None = None,
    jobs: int | None = None,
    months: Mapping[str, object] | None = None,
    inputs: bool | None = None,
    sign_key: Path | None = None,
) -> Config:
    """The configuration of a file, or the defaults without one, with the command line's flags on top."""
    config = Config() if path is None else read(path)
    flags = (source, company, as_of, out, materiality, known_at, roll_from, jobs, months, inputs, sign_key)
    return with_flags(config, *flags)


def with_flags(
    config: Config,
    source: Path | None = None,
    company: str | None = None,
    as_of: str | None = None,
    out: Path | None = None,
    materiality: str | None = None,
    known_at: str | None = None,
    roll_from: str | None = None,
    jobs: int | None = None,
    months: Mapping[str, object] | None = None,
    inputs: bool | None = None,
    sign_key: Path | None = None,
) -> Config:
    """The configuration with the command line's flags on top; a flag that isn't given changes nothing."""
    given: Mapping[str, Mapping[str, object]] = {
        "source": {"path": None if source is None else str(source), "company": company},
        "run": {
            "as_of": as_of,
            "known_at": known_at,
            "roll_from": roll_from,
            "out": None if out is None else str(out),
            "materiality": materiality,
            "jobs": jobs,
        },
        "months": months or {},
        "evidence": {"inputs": inputs, "sign_key": None if sign_key is None else str(sign_key)},
    }
    tables = config.model_dump()
    for table, flags in given.items():
        tables[table] |= {key: value for key, value in flags.items() if value is not None}
    try:
        return Config.model_validate(tables)
    except ValidationError as fault:
        raise InputError("\n".join(complaints("", fault))) from None


def complaints(name: str, fault: ValidationError) -> Iterable[str]:
    for error in fault.errors(include_url=False):
        place = [str(part) for part in error["loc"]]
        yield f"{named(name, place)}: {reason(error['type'], error['msg'], place)}"


def named(name: str, place: list[str]) -> str:
    """Where a fault is: the key in the file, or the flag."""
    if not name:
        return f"--{FLAGS.get(place[-1], place[-1]).replace('_', '-')}"
    return f"{name}: [{place[0]}]" + (f" {'.'.join(place[1:])}" if len(place) > 1 else "")


def reason(kind: str, message: str, place: list[str]) -> str:
    if kind == "extra_forbidden":
        return f"is not known. Allowed here: {', '.join(allowed(place[:-1]))}."
    message = message.removeprefix("Value error, ").removeprefix("Input should be ")
    return f"{'should be ' + message if kind.endswith('_type') else message}."


def allowed(place: list[str]) -> list[str]:
    """The keys of one table of the file, or the tables when no table is named."""
    model: type[BaseModel] = Config
    for part in place:
        annotation = model.model_fields[part].annotation
        assert isinstance(annotation, type) and issubclass(annotation, BaseModel)
        model = annotation
    return list(model.model_fields)


#: What ``tieout init`` writes: every key, its default and what it means.
TEMPLATE = """\
# What tieout runs on. Try it with: tieout check tieout.toml, then: tieout run tieout.toml
# A flag on the command line wins over a line here. Lines that start with # are off.

[source]
# The folder with the exported tables, one file (.csv or .parquet) or folder of part files for each.
# A relative folder is taken from where this file lies.
path = "exports"
# The company, when the source holds several. Without it, each is run.
# company = "Northwind Ltd."
# When the tables were exported (UTC; a day means its end). Nothing checks it: it stands in the evidence pack.
# extracted_at = 2027-01-04T06:30:00Z

[run]
# The last posting date that counts, inclusive. Without it: the later of the last value entry and the last
# G/L entry on a controlled account. Later rows only classify (late is not missing).
# as_of = 2026-12-31
# Only what was entered up to this moment (UTC; a day means its end) exists: a signed month as it was then.
# known_at = 2027-01-08T17:30:00Z
# The first day of the roll-forward. Without it: the first of the month of as_of.
# roll_from = 2026-12-01
# Differences below this don't count for the verdict. More than 0; they are listed all the same.
# materiality = 0.01
# Where the results go. The folder shows the old run or the new one, never half of one.
# out = "tieout-out"
# How many companies are run at one time, each in a process of its own. Without it: half as
# many as there are processors. Each takes memory for its own books; where that is scarce, say 1.
# jobs = 1

[switches]
# How the ERP is set up. Only used where inventory_setup and manufacturing_setup aren't exported;
# without either they are read off the ledgers, and the report says so.
# expected_cost_posting = true
# automatic_cost_posting = true
# inc_non_inventory_cost = false
# finish_order_without_output = false

[verdict]
# Whether warnings count against a company as errors do.
# warnings_count = false
# The country version, such as "W1" or "US". "CZ" and "RU" post by rules that are not covered: inconclusive.
# localization = ""

[rules]
# Your own posting rules, for a customised company: a CSV file with the columns rule_id,
# item_ledger_entry_type, entry_type, variance_type, cost_kind, order_type, condition, outcome, first_role,
# second_role, source. A row replaces the shipped rule of its rule_id, or the one with the same key; the
# report prints each change with its source. A relative file is taken from where this file lies.
# posting_rules = "my_rules.csv"

[clearing]
# Accounts beside interim, accrual and WIP whose open items are listed by age, with what each is.
# Accounts with the same words clear each other.
# accounts = { "5410" = "goods in transit", "2910" = "bank bridging" }
# After how many days an open item is stale, by account or by what it is (inventory_interim, wip, ...).
# stale_after_days = { "5410" = 30, "wip" = 365 }
# The last day of each age bucket, likewise. The default is 30, 60, 90, 180, 365.
# buckets = { "5410" = [7, 14, 30] }

[months]
# Each company as of each month's end: tieout months, or the web pages of tieout dev.
# The first month that the web pages show.
# first = "2026-01"
# Where the results go, a folder a month with one a company in it; not the folder of tieout run.
# out = "tieout-months"
# What does the work: in_process, multiprocess, dask, celery or k8s (see docs/distribution.md).
# executor = "dask"
# How that is set up, in the executor's own words; here four processes on this machine.
# executor_config = { cluster = { local = { n_workers = 4 } } }

[evidence]
# Whether the evidence pack holds the exported files as well: it can then be recomputed from itself alone.
# inputs = false
# An Ed25519 private key (PEM, readable by you alone) that signs the pack. Never write the key itself here.
# Make one: openssl genpkey -algorithm ed25519 -out key.pem. A relative file is taken from where this file is.
# sign_key = "key.pem"
"""


def write_template(path: Path) -> None:
    """Writes the documented configuration; an existing file is left as it is, and that is an error."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE)
    except FileExistsError:
        raise InputError(
            f"{path}: exists already and is left as it is. Name another: tieout init FILE."
        ) from None
    except OSError as fault:
        raise InputError(f"{path}: can't be written: {fault.strerror}.") from None
