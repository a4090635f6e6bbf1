"""Figures: a mart goes in, a figure comes out.

Here: the bridge from subledger to G/L and an account's roll-forward as waterfalls, the ages of clearing items
as stacked bars, and the figure as text that is safe inside a page.
Not here: where the figure stands on the page (``pages``). Amounts stay decimal text; only the browser turns
them into lengths. Plotly is imported where it is used.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from reports import wording
from schemas.ledger import CONTROLLED_ROLES

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

ROW_HEIGHT = 34
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
INK, UP, DOWN, LEDGER = "#3d4654", "#3f7fbf", "#c2762f", "#7b8798"
LABEL_LENGTH = 32
DWARFED = 20
ROLLED = 6


class Step(NamedTuple):
    """One line of a bridge: ``part`` is subledger, other_activity, cause, unexplained or gl."""

    part: str
    cause: str | None
    label: str
    amount: Decimal


def bridge_steps(tie_out: Mapping[str, object]) -> list[Step]:
    """The lines that lead from an account's subledger to its G/L balance; they add up exactly.

    Causes and other activity without an amount are left out; the largest cause comes first.
    """
    amounts = {name: Decimal(str(text)) for name, text in explained(tie_out).items()}
    causes = [
        Step("cause", name, wording.cause(name).title, amounts[name])
        for name in sorted(amounts, key=lambda name: (-abs(amounts[name]), name))
    ]
    inner = [
        Step("other_activity", None, "Other activity on the account", _decimal(tie_out["other_activity"])),
        *causes,
        Step("unexplained", "unclassified", "Not explained", _decimal(tie_out["unexplained"])),
    ]
    return [
        Step("subledger", None, "Subledger", _decimal(tie_out["subledger"])),
        *(step for step in inner if step.amount),
        Step("gl", None, "General ledger", _decimal(tie_out["gl"])),
    ]


def explained(tie_out: Mapping[str, object]) -> Mapping[str, object]:
    """The causes of an account's difference with their amounts; JSON text and a mapping read alike."""
    value = tie_out.get("explained")
    found = json.loads(value) if isinstance(value, str) and value else value
    causes = found if isinstance(found, Mapping) else {}
    return {name: text for name, text in causes.items() if text is not None and name != "unclassified"}


def bridge(tie_outs: pl.DataFrame, account_no: str | None, scale: int) -> "Figure":
    """The waterfall of one row of the tie-outs: subledger, what lies between, G/L."""
    is_account = pl.col("account_no").eq_missing(pl.lit(account_no, pl.String))
    return waterfall(bridge_steps(tie_outs.filter(is_account).row(0, named=True)), scale)


def waterfall(exact: list[Step], scale: int) -> "Figure":
    """The steps as bars from the first balance to the last."""
    import plotly.graph_objects as go

    steps = _folded(exact)
    figure = go.Figure(layout=_layout(steps))
    figure.add_trace(
        go.Waterfall(
            orientation="h",
            measure=[_MEASURES.get(step.part, "relative") for step in steps],
            x=[str(step.amount) for step in steps],
            y=[str(line) for line in range(len(steps))],
            text=_texts(exact, steps, scale),
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{text}<extra></extra>",
            increasing={"marker": {"color": UP}},
            decreasing={"marker": {"color": DOWN}},
            totals={"marker": {"color": LEDGER}},
            connector={"line": {"color": LEDGER, "width": 1, "dash": "dot"}},
        )
    )
    return figure


def is_cut(tie_out: Mapping[str, object]) -> bool:
    """Whether the bridge's axis starts beside zero, so that small steps stay visible."""
    return not _starts_at_zero(bridge_steps(tie_out))


def safe_json(figure: "Figure") -> str:
    """The figure as JSON that can't end a script element, byte for byte the same each time."""
    text = json.dumps(figure.to_plotly_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return text.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")


def library() -> str:
    """Plotly's own script, which a page embeds once."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def ageing(clearing_items: pl.DataFrame, scale: int) -> "Figure":
    """Open balances per clearing account, stacked by age, the oldest darkest."""
    import plotly.graph_objects as go

    open_items = clearing_items.with_columns(pl.col("account_no").fill_null(wording.NO_ACCOUNT))
    balances = open_items.group_by("account_no", "bucket").agg(
        pl.col("balance").sum(), pl.col("age_days").min()
    )
    totals = open_items.group_by("account_no").agg(pl.col("balance").sum()).sort("account_no")
    accounts = [f"{no}  {wording.amount(sum_, scale)}" for no, sum_ in totals.iter_rows()]
    place = {str(no): str(line) for line, no in enumerate(totals["account_no"])}
    buckets = balances.sort("age_days")["bucket"].unique(maintain_order=True)
    figure = go.Figure(layout=_ageing_layout(accounts))
    for shade, bucket in zip(_shades(len(buckets)), buckets, strict=True):
        bars = balances.filter(pl.col("bucket") == bucket).sort("account_no")
        figure.add_trace(
            go.Bar(
                orientation="h",
                name=str(bucket),
                x=[str(amount) for amount in bars["balance"]],
                y=[place[str(no)] for no in bars["account_no"]],
                marker={"color": shade},
            )
        )
    return figure


def rolled(roll_forward: pl.DataFrame) -> dict[str, list[Step]]:
    """The subledger's way from opening to closing, for the controlled accounts that moved."""
    role, moved = pl.col("account_role"), ~pl.col("line").is_in(_ENDS)
    lines = roll_forward.filter(pl.col("side") == "subledger", pl.col("account_no").is_not_null())
    accounts = lines.filter(moved & role.is_in(CONTROLLED_ROLES))["account_no"].unique().sort()
    steps = {}
    for account in accounts.head(ROLLED):
        of_account = lines.filter(pl.col("account_no") == account).sort("ordinal")
        sums = of_account.group_by("line", maintain_order=True).agg(pl.col("amount").sum())
        steps[str(account)] = [
            Step(_ENDS.get(line, "movement"), None, wording.sentence(line), amount)
            for line, amount in sums.iter_rows()
            if amount or line in _ENDS
        ]
    return steps


class Drawing(NamedTuple):
    """A figure above the table of its mart, and the words below it."""

    caption: str
    figure: "Figure"


def drawings(mart: str, rows: pl.DataFrame, scale: int) -> list[Drawing]:
    """The figures of a mart; none where it has none or holds no rows."""
    if mart == "clearing_items" and rows.height:
        caption = "Open balance of each clearing account by age, the oldest darkest"
        return [Drawing(caption, ageing(rows, scale))]
    if mart == "roll_forward":
        return [
            Drawing(_rolled_caption(account, steps), waterfall(steps, scale))
            for account, steps in rolled(rows).items()
        ]
    return []


def _starts_at_zero(steps: list[Step]) -> bool:
    low, high = _range(_folded(steps))
    return low <= 0 <= high


def _rolled_caption(account: str, steps: list[Step]) -> str:
    cut = "" if _starts_at_zero(steps) else " (the axis is cut)"
    return f"Account {account}: the subledger from opening to closing{cut}"


_ROOM, _EDGE = Decimal("0.45"), Decimal("0.05")  # beside the bars: with and without an amount standing there
_AXIS: Mapping[str, object] = {
    "type": "linear", "fixedrange": True, "gridcolor": "rgba(128,138,150,.25)", "zerolinecolor": LEDGER,
    "zerolinewidth": 1, "nticks": 5, "tickangle": 0, "tickformat": ",.6~f",
}  # fmt: skip
_LINES: Mapping[str, object] = {
    "type": "category", "autorange": "reversed", "fixedrange": True, "automargin": False, "showgrid": False,
}  # fmt: skip
_ENDS: Mapping[str, str] = {"opening": "subledger", "closing": "gl"}
_MEASURES = {"subledger": "absolute", "gl": "total"}


def _decimal(value: object) -> Decimal:
    return Decimal(0) if value is None else Decimal(str(value))


def _folded(steps: list[Step]) -> list[Step]:
    """The steps to draw: other activity that would dwarf every cause becomes part of the first bar."""
    first, second, *rest = steps
    causes = sum(abs(step.amount) for step in rest[:-1])
    if second.part != "other_activity" or abs(second.amount) <= DWARFED * causes:
        return steps
    return [Step("subledger", None, "Subledger + other activity", first.amount + second.amount), *rest]


def _texts(exact: list[Step], drawn: list[Step], scale: int) -> list[str]:
    """What stands at the bars: the mart's amounts, both of them where two lines share a bar."""
    texts = [_signed(step, scale) for step in exact]
    return texts if len(exact) == len(drawn) else [f"{texts[0]} {texts[1]}", *texts[2:]]


def _signed(step: Step, scale: int) -> str:
    text = wording.amount(step.amount, scale)
    return text if step.part in _MEASURES or step.amount < 0 else f"+{text}"


def _range(steps: list[Step]) -> tuple[Decimal, Decimal]:
    """Where the axis starts and ends: around the running balance, with zero when it lies near."""
    inner = [step.amount for step in steps if step.part != "gl"]
    levels = list(accumulate(inner))
    low, high = min(levels), max(levels)
    span = (high - low) or abs(high) or Decimal(1)
    if low - 2 * span <= 0 <= high + 2 * span:
        low, high = min(low, Decimal(0)), max(high, Decimal(0))
        span = high - low
    is_cut = not low <= 0 <= high
    left, right = is_cut or min([*inner, *levels]) < 0, is_cut or max([*inner, *levels]) > 0
    return low - span * (_ROOM if left else _EDGE), high + span * (_ROOM if right else _EDGE)


def _shades(number: int) -> list[str]:
    """Colours from light to dark, one for each bucket."""
    light, dark = (0xC9, 0xDC, 0xEE), (0x7A, 0x2E, 0x1D)
    parts = max(number - 1, 1)
    return [
        "#" + "".join(f"{a + (b - a) * step // parts:02x}" for a, b in zip(light, dark, strict=True))
        for step in range(number)
    ]


def _ageing_layout(accounts: list[str]) -> Mapping[str, object]:
    return {
        "template": {},
        "height": ROW_HEIGHT * len(accounts) + 96,
        "margin": {"l": 212, "r": 8, "t": 34, "b": 34, "pad": 4},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 12, "color": INK},
        "barmode": "relative",
        "bargap": 0.38,
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        "xaxis": _AXIS,
        "yaxis": {
            **_LINES,
            "categoryorder": "array",
            "categoryarray": [str(n) for n in range(len(accounts))],
            "tickvals": [str(n) for n in range(len(accounts))],
            "ticktext": [_escaped(a) for a in accounts],
        },
    }


def _layout(steps: list[Step]) -> Mapping[str, object]:
    low, high = _range(steps)
    return {
        "template": {},
        "height": ROW_HEIGHT * len(steps) + 46,
        "margin": {"l": 212, "r": 8, "t": 6, "b": 34, "pad": 4},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 12, "color": INK},
        "showlegend": False,
        "waterfallgap": 0.38,
        "xaxis": {**_AXIS, "range": [str(low), str(high)]},
        "yaxis": {
            **_LINES,
            "tickvals": [str(line) for line in range(len(steps))],
            "ticktext": [_label(step) for step in steps],
        },
    }


def _label(step: Step) -> str:
    """The step's label, cut to what fits beside a bar."""
    short = step.label if len(step.label) <= LABEL_LENGTH else step.label[: LABEL_LENGTH - 1].rstrip() + "…"
    return _escaped(short)


def _escaped(text: str) -> str:
    """Plotly reads tags in a label, so they are taken apart."""
    return text.replace("&", "&amp;").replace("<", "&lt;")
