"""The report: the marts of one run as one HTML page that needs no network, on a screen or on paper.

Here: which mart stands where on the page. Not here: how a figure is drawn (``figures``), what is shown of the
findings (``findings``), how things are worded (``wording``), how it looks (``templates``).
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

import jinja2
import polars as pl
from markupsafe import Markup

from reports import figures, wording
from reports.findings import CauseGroup, Lines, cause_groups
from reports.grids import Column, Row, grid
from reports.sections import Section, sections
from schemas.ledger import CONTROLLED_ROLES

#: The marts that the sections A to E show; every other one has a section of its own.
RECONCILIATION = ("tie_outs", "differences", "expected_postings", "actual_postings")
BRIDGES = 24
ACTIONS = 5


@dataclass(frozen=True)
class Verdict:
    """What the first line says: a word, its symbol, one sentence."""

    word: str
    symbol: str
    sentence: str


@dataclass(frozen=True)
class Bridge:
    """One account's way from subledger to G/L: its lines with where each leads, and the drawing."""

    account: Row
    anchor: str
    steps: Sequence[tuple[figures.Step, str | None]]
    is_cut: bool
    figure: Markup | None


@dataclass(frozen=True)
class Drawing:
    """A figure above the table of a mart."""

    mart: str
    anchor: str
    caption: str
    figure: Markup


VERDICTS: Mapping[str, Verdict] = {
    "reconciled": Verdict(
        "Reconciled", "✓", "The stock ledger and the general ledger agree on every controlled account."
    ),
    "differences": Verdict("Differences", "≠", "The stock ledger and the general ledger do not agree."),
    "inconclusive": Verdict(
        "Inconclusive", "?", "The input contradicts itself or is incomplete. No conclusion can be drawn."
    ),
}

INPUT_COLUMNS = (
    Column("table", "Table", "code"), Column("rows", "Rows", "count"), Column("rows_used", "Used", "count"),
    Column("rows_set_aside", "Set aside", "count"), Column("controls", "Control totals", "text"),
    Column("ignored", "Ignored columns", "text"), Column("path", "File", "hash"),
    Column("sha256", "SHA-256", "hash"),
)  # fmt: skip


def report(
    summary: Mapping[str, object],
    marts: Mapping[str, pl.DataFrame],
    value_entries: pl.DataFrame,
    gl_entries: pl.DataFrame,
) -> str:
    """The page as one HTML text, the same bytes for the same marts.

    ``summary`` and the marts have the shapes of the published ones. The postings and entries are those that
    findings name; any column of theirs may be missing, and what is missing isn't shown. Amounts are local
    currency, debit positive; a null account number is written "(no account)".
    """
    scale = int(str(summary.get("scale", 2)))
    tie_outs, differences = marts["tie_outs"], marts["differences"]
    lines = Lines(marts["expected_postings"], marts["actual_postings"], value_entries, gl_entries)
    groups = cause_groups(_mapping(summary.get("causes")), differences, lines, scale)
    further = sections({name: mart for name, mart in marts.items() if name not in RECONCILIATION}, scale)
    accounts = _accounts(tie_outs, summary)
    bridges = _bridges(tie_outs, accounts, groups, scale)
    open_accounts = sorted(
        (a for a in accounts if a["difference"]),
        key=lambda a: (not a["is_controlled"], -abs(Decimal(str(a["difference"])))),
    )
    controlled = [a for a in accounts if a["is_controlled"]]
    script, library, style = _text("page.js"), figures.library(), _text("style.css")
    template = _environment(scale).get_template("page.html.j2")
    return template.render(
        summary=summary,
        scale=scale,
        verdict=VERDICTS[str(summary["status"])],
        controlled=controlled,
        tied=len([a for a in controlled if a["is_tied"]]),
        others=[a for a in accounts if not a["is_controlled"] and not a["is_quiet"]],
        quiet=[a for a in accounts if not a["is_controlled"] and a["is_quiet"]],
        open_accounts=open_accounts,
        bridges=bridges,
        bridged={b.account["anchor"]: b.anchor for b in bridges},
        drawn=min(len(bridges), BRIDGES),
        groups=groups,
        counted=_counted(differences),
        actions=[g for g in groups if g.severity == "error" and g.findings][:ACTIONS],
        notes=[*_sequence(summary.get("warnings")), *_sequence(summary.get("notes"))],
        warnings=[g for g in groups if g.severity == "warning"],
        switches=[_switch(name, found) for name, found in _mapping(summary.get("switches")).items()],
        checks_run=[_filled(c, "check", "result", "why") for c in _sequence(summary.get("checks_run"))],
        checks_off=[_filled(c, "check", "why", "export") for c in _sequence(summary.get("checks_off"))],
        inputs=grid([_input(i) for i in _sequence(summary.get("inputs"))], INPUT_COLUMNS, scale),
        style=Markup(style),
        sections=further,
        refs=_references(further),
        places=_places(accounts, groups),
        drawings=_drawings(marts, further, scale),
        script=Markup(script),
        library=Markup(library),
        policy=_policy(library, script),
    )


def _accounts(tie_outs: pl.DataFrame, summary: Mapping[str, object]) -> list[dict[str, object]]:
    """The tie-out rows with what the page says about them; the summary knows which ones are controlled."""
    materiality = Decimal(str(summary.get("materiality", "0.01")))
    stated = [_mapping(row) for row in _sequence(summary.get("tie_outs"))]
    controlled = {row.get("account_no") for row in stated if row.get("controlled")}
    return [
        _account(row, row["account_no"] in controlled, materiality) for row in tie_outs.iter_rows(named=True)
    ]


def _account(row: Row, is_controlled: bool, materiality: Decimal) -> dict[str, object]:
    state = _state(row, materiality)
    roles = [str(role) for role in _sequence(_nested(row.get("roles")))]
    return {
        **row,
        "anchor": wording.anchor("account", wording.account(row["account_no"])),
        "shown_no": wording.account(row["account_no"]),
        "shown_name": row.get("account_name") or "",
        "shown_roles": ", ".join(wording.role(role) for role in roles),
        "is_controlled": bool({*roles} & {*CONTROLLED_ROLES}) or is_controlled,
        "largest_cause": _largest_cause(row),
        "state": state,
        "is_quiet": state[0] == "ties"
        and not any(row[name] for name in ("subledger", "gl", "other_activity")),
        "is_tied": state[0] in {"ties", "small"},
    }


def _largest_cause(row: Row) -> str:
    causes = [step for step in figures.bridge_steps(row) if step.cause]
    return max(causes, key=lambda step: abs(step.amount)).label if causes else ""


def _state(row: Row, materiality: Decimal) -> tuple[str, str, str]:
    """The style class, the symbol and the word for how an account stands."""
    difference = Decimal(str(row["difference"]))
    if abs(difference) >= materiality:
        return ("differs", "≠", "differs")
    if difference:
        return ("small", "≈", "below materiality")
    if any(Decimal(str(amount)) for amount in figures.explained(row).values()) or row["unexplained"]:
        return ("offset", "±", "differences offset")
    return ("ties", "✓", "ties")


def _bridges(
    tie_outs: pl.DataFrame, accounts: Sequence[Row], groups: Sequence[CauseGroup], scale: int
) -> list[Bridge]:
    """A bridge for each account with a cause between the ledgers: controlled first, the largest first."""
    first = _first_findings(groups)
    wanted = [a for a in accounts if a["difference"] or _largest_cause(a)]
    wanted.sort(key=lambda a: (not a["is_controlled"], -abs(Decimal(str(a["difference"])))))
    return [
        Bridge(
            account=a,
            anchor=wording.anchor("bridge", a["shown_no"]),
            steps=[
                (step, first.get((step.cause, a["shown_no"])) or first.get((step.cause, None)))
                for step in figures.bridge_steps(a)
            ],
            is_cut=figures.is_cut(a),
            figure=_drawing(tie_outs, a, scale) if place < BRIDGES else None,
        )
        for place, a in enumerate(wanted)
    ]


def _drawing(tie_outs: pl.DataFrame, account: Row, scale: int) -> Markup:
    number = account["account_no"]
    return Markup(figures.safe_json(figures.bridge(tie_outs, None if number is None else str(number), scale)))


def _first_findings(groups: Sequence[CauseGroup]) -> Mapping[tuple[object, object], str]:
    """Where a reader lands from a bridge: a cause's largest finding on the account, else the cause."""
    places: dict[tuple[object, object], str] = {}
    for group in groups:
        places[group.cause.name, None] = group.anchor
        for finding in group.findings:
            for account in finding.accounts:
                places.setdefault((group.cause.name, account), finding.anchor)
    return places


def _references(further: Sequence[Section]) -> Mapping[str, str]:
    """The letter of each section after E, which closes the reconciliation itself."""
    names = [*(section.anchor for section in further), "checks", "inputs", "reading"]
    return {name: chr(ord("F") + place) for place, name in enumerate(names)}


def _places(accounts: Sequence[Row], groups: Sequence[CauseGroup]) -> Mapping[tuple[str, str], str]:
    """Where the accounts, causes and findings that a mart names stand on the page, by kind and text."""
    findings = {("finding", f.finding_id): f.anchor for g in groups for f in g.findings}
    causes = {("cause", g.cause.title): g.anchor for g in groups}
    return {**{("account", str(a["shown_no"])): str(a["anchor"]) for a in accounts}, **causes, **findings}


def _drawings(marts: Mapping[str, pl.DataFrame], further: Sequence[Section], scale: int) -> list[Drawing]:
    """The figures of the marts that have some."""
    return [
        Drawing(name, f"{name}-chart-{number}", d.caption, Markup(figures.safe_json(d.figure)))
        for name in (t.plan.mart for s in further for t in s.tables)
        for number, d in enumerate(figures.drawings(name, marts[name], scale), 1)
    ]


def _counted(differences: pl.DataFrame) -> Mapping[str, int]:
    """How many findings there are of each severity."""
    ids = {
        severity: differences.filter(pl.col("severity") == severity)["finding_id"]
        for severity in wording.SEVERITIES
    }
    return {severity: found.n_unique() for severity, found in ids.items()}


def _input(row: object) -> Row:
    """An input's row with its control totals and ignored columns as text."""
    found = _mapping(row)
    totals = _mapping(found.get("control_totals"))
    return {
        **found,
        "controls": "; ".join(f"{wording.words(k)} {wording.amount(total)}" for k, total in totals.items()),
        "ignored": ", ".join(str(name) for name in _sequence(found.get("unknown_columns"))),
    }


def _switch(name: object, found: Mapping[str, object]) -> Row:
    """A switch of the ERP as it was taken, and where that was read."""
    return {
        "switch": wording.words(name),
        "state": "on" if found.get("on") else "off",
        "origin": found.get("from"),
    }


def _filled(row: object, *names: str) -> Row:
    found = _mapping(row)
    return {name: found.get(name) or "" for name in names}


def _nested(value: object) -> object:
    """A nested value; the published marts carry it as JSON text."""
    return json.loads(value) if isinstance(value, str) and value else value


def _mapping(value: object) -> Mapping[str, Mapping[str, object]]:
    return value if isinstance(value, Mapping) else {}


def _sequence(value: object) -> Sequence[object]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def _environment(scale: int) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("reports", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "amount": partial(wording.amount, scale=scale),
        "count": wording.count,
        "sentence": wording.sentence,
    }
    return environment


def _text(name: str) -> str:
    return (wording.LIBRARY / name).read_text(encoding="utf-8")


def _policy(*scripts: str) -> str:
    """The content security policy: nothing from anywhere, only the scripts that the page was written with.

    Plotly brings styles of its own, so these are allowed inline; what they could load is not.
    """
    return (
        f"default-src 'none'; script-src {' '.join(_hash(s) for s in scripts)}; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
