"""The test before posting: what would stop the batch job or be skipped by it, for everything not yet posted.

Here: which message of Business Central's test report hits which line, all hits and not the first. Not here:
the messages (``setup_messages_bc.csv``), which lines must be posted (``expect``), the limits
(``pipelines.sources.bc_limits``).
"""

from collections.abc import Iterable

import polars as pl

from schemas import sentences
from schemas.ledger import Books
from schemas.limits import METHODS, PostingLimits, Request
from schemas.money import AMOUNT

#: BC's summing key of a posting group. Source: table 48 "Invt. Posting Buffer", key 1.
GROUP_KEY = (
    "posting_date", "account_role", "balancing_role", "location_code", "posting_group",
    "gen_bus_posting_group", "gen_prod_posting_group", "dimension_set_id", "is_credit",
)  # fmt: skip
NAMED = (
    "message_no", "problem", "batch_job", "message", "setup_table", "key_1", "key_2", "account_no",
    "group_amount", "group_entries", "cost_kind",
)  # fmt: skip
PLAIN_ENTRY_TYPES = ("Direct Cost", "Revaluation")
PAIR = ("dimension_1", "dimension_2")


def post_test(
    expected_postings: pl.DataFrame,
    books: Books,
    posting_limits: PostingLimits,
    setup_messages: pl.DataFrame,
    request: Request | None = None,
) -> pl.DataFrame:
    """What Business Central's test report would say about everything not yet posted; empty: nothing stops.

    Not yet posted are the lines up to as-of that are due and open, queued or not, and the parts of entries
    that Business Central refuses. One row per message and line; with the method per posting group, one per
    message and group of lines. ``amount`` is what is open of the line (of the lines of the group),
    ``group_amount`` that of the posting group it falls into, debit positive. Without a request, messages 1
    to 3 are left out, and the dates are those of the general ledger setup. A check whose table wasn't given
    hits nothing. Source: report "Post Inventory Cost to G/L - Test".
    """
    asked = request or Request()
    lines = _open_lines(expected_postings, books)
    hits = pl.concat(
        [
            _entry_hits(expected_postings, books),
            _setup_hits(lines, books),
            _date_hits(lines, posting_limits, asked),
            _account_hits(lines, books),
            _combination_hits(lines, posting_limits),
            _blocked_hits(lines, posting_limits),
            _account_dimension_hits(lines, posting_limits),
            *([] if request is None else [_request_hits(posting_limits, request)]),
        ],
        how="diagonal_relaxed",
    )
    rows = _with_message(hits, setup_messages, books.scale)
    return _by_group(rows) if asked.method == METHODS[1] else rows


def not_posted(expected_postings: pl.DataFrame, books: Books) -> pl.DataFrame:
    """The lines that the test looks at: due, open, dated up to as-of."""
    return _open_lines(expected_postings, books)


# What isn't posted yet


def _open_lines(expected_postings: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Every line that would be posted now, with what is open of it, its posting group and its setup.

    With the switch off no expected cost is posted, also where an entry's sibling has some in the ledger.
    """
    open_acy = pl.col("amount_acy") - pl.col("posted_amount_acy")
    lines = (
        expected_postings.filter(pl.col("outcome") == "posted")
        .with_columns(amount=pl.col("open_amount"), amount_acy=open_acy)
        .filter(
            ((pl.col("amount") != 0) | (pl.col("amount_acy") != 0))
            & (pl.col("posting_date") <= books.as_of)
            & (pl.lit(books.switches.expected_cost_posting) | (pl.col("cost_kind") != "expected"))
        )
        .select(
            "value_entry_no", "cost_kind", "account_role", "balancing_role", "setup_table", "key_1", "key_2",
            "account_no", "posting_date", "amount", "amount_acy",
        )
    )  # fmt: skip
    is_wip = pl.col("account_role") == "wip"
    return (
        lines.join(_entries(books), on="value_entry_no", how="left", validate="m:1")
        .with_columns(
            posting_group=pl.when(is_wip).then("wip_posting_group").otherwise("inventory_posting_group"),
            is_credit=(pl.col("amount") < 0) | (pl.col("amount_acy") < 0),
        )
        .with_columns(
            group_amount=pl.col("amount").sum().over(GROUP_KEY).cast(AMOUNT),
            group_entries=pl.col("value_entry_no").n_unique().over(GROUP_KEY).cast(pl.Int64),
        )
    )


def _entries(books: Books) -> pl.DataFrame:
    return books.value_entries.select(
        "value_entry_no", "item_ledger_entry_type", "entry_type", "variance_type", "location_code",
        "inventory_posting_group", "wip_posting_group", "gen_bus_posting_group", "gen_prod_posting_group",
        "dimension_set_id", "is_queued", "is_expected", "amount_expected", "amount_expected_acy",
    )  # fmt: skip


def _hit(lines: pl.DataFrame, problem: str, claim: pl.Expr | None = None) -> pl.DataFrame:
    """The lines on which the claim holds, as hits of that problem."""
    hit = lines if claim is None else lines.filter(claim)
    return hit.with_columns(problem=pl.lit(problem))


# Messages 1 to 3: what the batch job is asked to do


def _request_hits(limits: PostingLimits, request: Request) -> pl.DataFrame:
    template = request.template or limits.default_template
    batch = request.batch or limits.default_batch
    problems = [p for p in _request_problems(limits, request, template, batch) if p]
    return pl.DataFrame(
        {"problem": problems, "template": [template] * len(problems), "batch": [batch] * len(problems)},
        schema={"problem": pl.String, "template": pl.String, "batch": pl.String},
    )


def _request_problems(limits: PostingLimits, request: Request, template: str, batch: str) -> Iterable[str]:
    per_group = request.method == METHODS[1]
    if not limits.is_template_mandatory:
        yield "document_no_missing" if per_group and not request.document_no else ""
        yield "document_no_given" if not per_group and request.document_no else ""
        return
    yield "document_no_given" if not per_group and request.document_no else ""
    yield "" if template else "template_missing"
    yield "" if batch else "batch_missing"
    if template and batch and limits.has_batches:
        found = limits.batches.filter((pl.col("template") == template) & (pl.col("batch") == batch))
        yield "" if found.height else "batch_unknown"
        yield "batch_without_series" if found.height and not found["number_series"][0] else ""


# Messages 4 to 6: entries that Business Central refuses


def _entry_hits(expected_postings: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Refused parts that aren't posted: each reason that holds, or the combination by itself.

    A part without an amount waits for nothing unless it stands in the queue.
    """
    is_expected = pl.col("cost_kind") == "expected"
    has_expected = (pl.col("amount_expected") != 0) | (pl.col("amount_expected_acy") != 0)
    waits = (pl.col("amount") != 0) | (is_expected & has_expected)
    is_open = (pl.col("posted_amount") == 0) & waits
    refused = (
        expected_postings.filter(
            (pl.col("outcome").fill_null("refused") == "refused") & (pl.col("posting_date") <= books.as_of)
        )
        .select("value_entry_no", "cost_kind", "posting_date", "posted_amount",
                amount=pl.col("own_amount") - pl.col("posted_amount"))
        .join(_entries(books), on="value_entry_no", how="left", validate="m:1")
        .filter(is_open | pl.col("is_queued").fill_null(False))
        .with_columns(posting_group="inventory_posting_group")
    )  # fmt: skip
    is_expected_part = is_expected & ~pl.col("entry_type").is_in(PLAIN_ENTRY_TYPES)
    return pl.concat(
        [
            _hit(refused, "expected_flag", is_expected_part & pl.col("is_expected")),
            _hit(refused, "expected_amount", is_expected_part & has_expected),
            _hit(refused, "combination_refused", ~is_expected_part),
        ]
    )


# Messages 7 to 10: the posting setup


def _setup_hits(lines: pl.DataFrame, books: Books) -> pl.DataFrame:
    setup = books.posting_accounts.select(
        "account_role", "key_1", "key_2", "is_blocked", pl.lit(True).alias("has_row")
    )
    found = lines.join(setup, on=["account_role", "key_1", "key_2"], how="left", validate="m:1").with_columns(
        pl.col("has_row", "is_blocked").fill_null(False)
    )
    in_general = pl.col("setup_table") == "general_posting_setup"
    hits = [
        _hit(found, "inventory_setup_missing", ~pl.col("has_row") & ~in_general),
        _hit(found, "general_setup_missing", ~pl.col("has_row") & in_general),
        _hit(found, "general_setup_blocked", in_general & pl.col("is_blocked")),
        _hit(found, "account_blank", pl.col("has_row") & pl.col("account_no").is_null()),
    ]
    return pl.concat(hits).drop("has_row", "is_blocked")


# Message 11: the range of dates


def _date_hits(lines: pl.DataFrame, limits: PostingLimits, request: Request) -> pl.DataFrame:
    """Lines dated outside the range: the template's where templates are mandatory and it has one, else the
    user's if either end is set, else the general ledger setup's.

    Source: codeunit "User Setup Management".
    """
    own = [(limits.user_dates, request.user.upper())]
    if limits.is_template_mandatory:
        own.insert(0, (limits.templates, (request.template or limits.default_template).upper()))
    first, last = limits.allowed_from, limits.allowed_to
    for ranges, name in own:
        found = ranges.filter(
            (pl.col("name") == name) & pl.any_horizontal(pl.col("allowed_from", "allowed_to").is_not_null())
        )
        if name and found.height:
            _, first, last = found.row(0)
            break
    too_early = pl.lit(False) if first is None else pl.col("posting_date") < first
    too_late = pl.lit(False) if last is None else pl.col("posting_date") > last
    return _hit(lines, "date_not_allowed", too_early | too_late)


# Messages 12 to 14: the account


def _account_hits(lines: pl.DataFrame, books: Books) -> pl.DataFrame:
    if not books.has_accounts:
        return _hit(lines.clear(), "account_missing")
    types_known = "account_type" in books.given.get("gl_account", frozenset())
    accounts = books.accounts.select("account_no", "account_type", "is_blocked", pl.lit(True).alias("_there"))
    found = lines.filter(pl.col("account_no").is_not_null()).join(
        accounts, on="account_no", how="left", validate="m:1"
    )
    is_there = pl.col("_there").fill_null(False)
    hits = [
        _hit(found, "account_missing", ~is_there),
        _hit(found, "account_blocked", is_there & pl.col("is_blocked")),
        _hit(
            found,
            "account_not_posting",
            is_there & pl.lit(types_known) & (pl.col("account_type") != "Posting"),
        ),
    ]
    return pl.concat(hits).drop("account_type", "is_blocked", "_there")


# Messages 15 and 16: dimensions


def _combination_hits(lines: pl.DataFrame, limits: PostingLimits) -> pl.DataFrame:
    """Two dimensions, or two of their values, that may not stand in one dimension set.

    A pair without a row of its own is free. Source: codeunit "DimensionManagement", CheckDimComb and
    CheckDimValueComb.
    """
    used = _used(lines, limits)
    one = used.rename({"dimension": "dimension_1", "value": "value_1"})
    other = used.rename({"dimension": "dimension_2", "value": "value_2"})
    pairs = one.join(other, on="dimension_set_id", how="inner").join(
        limits.dimension_combinations, on=PAIR, how="inner"
    )
    blocked = pairs.filter(pl.col("restriction") == "Blocked")
    limited = pairs.filter(pl.col("restriction") == "Limited").join(
        limits.value_combinations, on=[*PAIR, "value_1", "value_2"], how="semi"
    )
    return pl.concat(
        [
            _hit(_of_sets(lines, blocked), "dimensions_not_together"),
            _hit(_of_sets(lines, limited), "dimension_values_not_together"),
        ],
        how="diagonal",
    )


def _blocked_hits(lines: pl.DataFrame, limits: PostingLimits) -> pl.DataFrame:
    """Dimensions and values of the entry's dimension set that may not be used any more."""
    used = _used(lines, limits)
    dimensions = used.join(limits.dimensions.filter("is_blocked"), on="dimension", how="semi")
    values = used.join(limits.dimension_values, on=["dimension", "value"], how="inner")
    named = {"dimension": "dimension_1", "value": "value_1"}
    return pl.concat(
        [
            _hit(_of_sets(lines, dimensions.rename(named)), "dimension_blocked"),
            _hit(_of_sets(lines, values.filter("is_blocked").rename(named)), "dimension_value_blocked"),
            _hit(_of_sets(lines, values.filter(~pl.col("is_standard")).rename(named)),
                 "dimension_value_not_standard"),
        ],
        how="diagonal",
    )  # fmt: skip


def _used(lines: pl.DataFrame, limits: PostingLimits) -> pl.DataFrame:
    """The dimension sets that the lines carry, value by value."""
    return limits.dimension_sets.join(
        lines.select("dimension_set_id").unique(), on="dimension_set_id", how="semi"
    )


def _of_sets(lines: pl.DataFrame, faulty: pl.DataFrame) -> pl.DataFrame:
    """The lines of the faulty dimension sets, once for each fault."""
    columns = [c for c in ("dimension_1", "value_1", "dimension_2", "value_2") if c in faulty.columns]
    return lines.join(faulty.select("dimension_set_id", *columns), on="dimension_set_id", how="inner")


def _account_dimension_hits(lines: pl.DataFrame, limits: PostingLimits) -> pl.DataFrame:
    """Lines whose dimension set isn't what the account asks for.

    An account's own row goes before the row for all accounts. Source: codeunit "DimensionManagement",
    CheckDimValuePosting; table 352.
    """
    dated = lines.filter(pl.col("account_no").is_not_null() & pl.col("dimension_set_id").is_not_null())
    found = (
        dated.join(_asked(dated, limits), on="account_no", how="inner")
        .join(
            limits.dimension_sets.select("dimension_set_id", "dimension", pl.col("value").alias("value_1")),
            on=["dimension_set_id", "dimension"],
            how="left",
            validate="m:1",
        )
        .rename({"dimension": "dimension_1"})
    )
    mandatory, same, none = (pl.col("rule") == rule for rule in ("Code Mandatory", "Same Code", "No Code"))
    has_value = pl.col("value_1").fill_null("") != ""
    hits = [
        _hit(found, "dimension_missing", mandatory & ~has_value),
        _hit(found, "dimension_value_not_allowed", mandatory & has_value & ~_is_allowed(found)).with_columns(
            value_2=pl.col("allowed_values")
        ),
        _hit(found, "dimension_differs",
             same & (pl.col("value_2") != "") & (pl.col("value_1").fill_null("") != pl.col("value_2"))),
        _hit(found, "dimension_not_blank", same & (pl.col("value_2") == "") & has_value),
        _hit(found, "dimension_not_allowed", none & pl.col("value_1").is_not_null()),
    ]  # fmt: skip
    return pl.concat(hits).drop("rule", "allowed_values")


def _asked(lines: pl.DataFrame, limits: PostingLimits) -> pl.DataFrame:
    """What each account of the lines asks of each dimension: its own row, else the one for all accounts."""
    rows = limits.account_dimensions.rename({"value": "value_2"}).filter(pl.col("rule") != "")
    accounts = lines.select("account_no").unique()
    own = accounts.join(rows, on="account_no", how="inner")
    for_all = accounts.join(rows.filter(pl.col("account_no") == "").drop("account_no"), how="cross").join(
        limits.account_dimensions, on=["account_no", "dimension"], how="anti"
    )
    return pl.concat([own, for_all], how="diagonal")


def _is_allowed(found: pl.DataFrame) -> pl.Series:
    """Whether the value is in the account's list: codes apart by ``|``, or ranges such as ``A..F``."""
    pairs = found.select(pl.col("allowed_values").fill_null(""), pl.col("value_1").fill_null(""))
    known = {pair: is_listed(*pair) for pair in pairs.unique().iter_rows()}
    return pl.Series([known[pair] for pair in pairs.iter_rows()], dtype=pl.Boolean)


def is_listed(allowed_values: str, value: str) -> bool:
    parts = [part.strip().upper().partition("..") for part in allowed_values.split("|") if part.strip()]
    return not parts or any(
        (first or value) <= value <= (last or value) if dots else value == first
        for first, dots, last in parts
    )


# What is told


def _with_message(hits: pl.DataFrame, setup_messages: pl.DataFrame, scale: int) -> pl.DataFrame:
    """The hits with number and text of their message, by message and entry."""
    absent = {"template": pl.String, "batch": pl.String, "dimension_1": pl.String, "value_1": pl.String,
              "dimension_2": pl.String, "value_2": pl.String}  # fmt: skip
    messages = setup_messages.select("message_no", "problem", "message", pl.col("batch").alias("batch_job"))
    return (
        hits.with_columns(
            pl.lit(None, dtype).alias(name) for name, dtype in absent.items() if name not in hits.columns
        )
        .with_columns(role_name=pl.col("account_role").str.replace_all("_", " ", literal=True))
        .join(messages, on="problem", how="left", validate="m:1")
        .pipe(sentences.filled, "message", scale)
        .with_columns(
            pl.col("message_no").cast(pl.Int64),
            pl.col("value_entry_no").is_not_null().cast(pl.Int64).alias("entries"),
        )
        .sort("message_no", "problem", "value_entry_no", "cost_kind", "account_role", "message")
    )


def _by_group(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per message and posting group instead of one per line."""
    key = [*GROUP_KEY, *(c for c in NAMED if c not in GROUP_KEY)]
    return rows.group_by(key, maintain_order=True).agg(
        pl.when(pl.col("amount").count() > 0).then(pl.col("amount").sum().cast(AMOUNT)).alias("amount"),
        pl.col("value_entry_no").drop_nulls().n_unique().cast(pl.Int64).alias("entries"),
        pl.lit(None, pl.Int64).alias("value_entry_no"),
    )
