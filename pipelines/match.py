"""Matches: lines on clearing accounts that no stock entry explains, and what answers them.

Here: by document number first, then by amount and date within the tolerances of ``matching_rules.csv``. Not
here: lineage (``clear``), which needs no guess, and ages (``age``).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import combinations
from typing import Any, NamedTuple

import polars as pl

from schemas.ledger import Books
from schemas.money import AMOUNT

ITEM = ["account_no", "item_key"]
#: So many open lines of an account are searched for sums and near amounts: the earliest.
SEARCHED = 400
#: So many candidates does a search for several lines look at: the nearest in date.
NEAREST = 10


class Item(NamedTuple):
    """An open item of an account, as matching sees it; items sort by date, then number."""

    on: date
    line_no: int
    key: str
    balance: Decimal


class Rule(NamedTuple):
    """A row of ``matching_rules.csv``."""

    rule_id: str
    kind: str
    most_left: int
    most_right: int
    amount_tolerance: Decimal
    day_tolerance: int


Match = tuple[Item, ...]  # the first is the one that the others join


def matched_lines(clearing_lines: pl.DataFrame, books: Books, matching_rules: pl.DataFrame) -> pl.DataFrame:
    """The clearing lines with the item that each belongs to after matching, the ``rule_id`` that told it,
    and ``near_miss``: why an item that looks for its answer has none.

    Only items that no stock entry explains look for an answer: among themselves, or at an item that is
    invoiced or finished in full and so waits for nothing else. Rules are tried in their order; what one
    matches is gone for those after it. Among equals the earlier line comes first, so the same books give
    the same matches. Rows in = rows out, and no amount changes.
    """
    looking = _looking(clearing_lines)
    lines = looking.pipe(_by_document_number).pipe(_by_order, books).pipe(_by_document_of_item)
    rules = _rules(matching_rules)
    joined: list[tuple[str, str, str, str]] = []
    missed: list[tuple[str, str, str]] = []
    for rows in _open_items(lines).partition_by("account_no", maintain_order=True):
        account_no = rows["account_no"][0]
        matches, misses = _answers(rows, rules)
        joined += [(account_no, item.key, match[0].key, rule) for rule, match in matches for item in match]
        missed += [(account_no, key, reason) for key, reason in misses]
    told = lines.pipe(_joined, joined).pipe(_missed, missed)
    rest = clearing_lines.join(looking.select(ITEM).unique(), on=ITEM, how="anti", maintain_order="left")
    return pl.concat([rest, told], how="diagonal") if looking.height else _missed(clearing_lines, [])


def clearing_matches(
    matched_lines: pl.DataFrame, agreed_items: pl.DataFrame, clearing_rules: pl.DataFrame
) -> pl.DataFrame:
    """What told the items of each account: one row per match, with its rule; items told by lineage, which
    needs no guess, in one row per rule (``item_key`` null).

    ``closed_items`` have balance 0. The balances of an account sum to its G/L balance.
    """
    amount, is_match = pl.col("amount"), pl.col("told_by") == "match"
    nothing = pl.lit(0, AMOUNT)
    told = (
        matched_lines.join(clearing_rules.drop("source"), on="rule_id", how="left", validate="m:1")
        .with_columns(closed=pl.when(amount.sum().over(ITEM) == 0).then("item_key"))
        .group_by("account_no", "rule_id", "description", pl.when(is_match).then("item_key").alias("match"))
        .agg(
            pl.col("item_key").n_unique().cast(pl.Int64).alias("items"),
            pl.col("closed").drop_nulls().n_unique().cast(pl.Int64).alias("closed_items"),
            pl.len().cast(pl.Int64).alias("lines"),
            pl.max_horizontal(amount, nothing).sum().alias("debits"),
            pl.max_horizontal(-amount, nothing).sum().alias("credits"),
            amount.sum().alias("balance"),
        )
        .rename({"match": "item_key"})
    )
    key = ("account_no", "rule_id", "description", "item_key")
    return (
        pl.concat([told, _closed(agreed_items, clearing_rules).select(told.columns)])
        .group_by(key)
        .agg(pl.all().sum())
        .sort("account_no", "rule_id", "item_key", nulls_last=True)
    )


def _closed(agreed_items: pl.DataFrame, clearing_rules: pl.DataFrame) -> pl.DataFrame:
    """What agreed lines closed among themselves, by account and rule of lineage."""
    items = pl.len().cast(pl.Int64)
    return (
        agreed_items.filter("is_closed")
        .group_by("account_no", "rule_id")
        .agg(
            items.alias("items"), items.alias("closed_items"), pl.col("lines", "debits", "credits").sum(),
            balance=(pl.col("debits") - pl.col("credits")).sum().cast(AMOUNT),
        )
        .join(clearing_rules.select("rule_id", "description"), on="rule_id", how="left", validate="m:1")
        .with_columns(item_key=pl.lit(None, pl.String))
    )  # fmt: skip


def _looking(lines: pl.DataFrame) -> pl.DataFrame:
    """The lines of open items, on accounts where one of them looks for an answer: most items are closed."""
    free = lines.filter("is_free").select("account_no").unique()
    lines = lines.join(free, on="account_no", how="semi", maintain_order="left")
    items = lines.group_by(ITEM).agg(pl.col("amount").sum(), pl.col("is_free").any())
    is_open = pl.col("amount") != 0
    looks = items.filter(is_open & pl.col("is_free")).select("account_no").unique()
    found = items.filter(is_open).join(looks, on="account_no", how="semi")
    return lines.join(found, on=ITEM, how="semi", maintain_order="left")


def _by_document_number(lines: pl.DataFrame) -> pl.DataFrame:
    """Lines without lineage that share a document number and stand on both sides are that document's."""
    is_looking = pl.col("is_free") & (pl.col("document_no") != "")
    sides = pl.col("amount").filter(is_looking).sign().n_unique().over("account_no", "document_no")
    is_joined = is_looking & (pl.col("rule_id") == "none") & (sides > 1)
    return lines.with_columns(
        item_key=pl.when(is_joined).then(pl.format("doc:{}", "document_no")).otherwise("item_key"),
        rule_id=pl.when(is_joined).then(pl.lit("document_number")).otherwise("rule_id"),
    )


def _by_order(lines: pl.DataFrame, books: Books) -> pl.DataFrame:
    """Open documents of one order on both sides of an account are one item, named by the first of them."""
    documents = (
        lines.filter(pl.col("is_free") & (pl.col("document_no") != ""))
        .join(books.document_orders, on="document_no", how="inner")
        .group_by(*ITEM, "order_no")
        .agg(pl.col("amount").sum(), pl.col("posting_date").min(), pl.col("gl_entry_no").min())
        .filter(pl.struct(ITEM).is_unique())
        .sort("posting_date", "gl_entry_no")
    )
    order = ["account_no", "order_no"]
    sides = pl.col("amount").sign().n_unique().over(order)
    told = documents.filter(sides > 1).select(*ITEM, pl.col("item_key").first().over(order).alias("_joins"))
    return lines.join(told, on=ITEM, how="left", validate="m:1", maintain_order="left").select(
        pl.exclude("item_key", "rule_id", "_joins"),
        pl.coalesce("_joins", "item_key").alias("item_key"),
        pl.when(pl.col("_joins").is_not_null())
        .then(pl.lit("document_order"))
        .otherwise("rule_id")
        .alias("rule_id"),
    )


def _by_document_of_item(lines: pl.DataFrame) -> pl.DataFrame:
    """A line without lineage that names the document of the one item whose balance it takes away."""
    alone = lines.filter((pl.col("rule_id") == "none") & (pl.col("document_no") != "")).filter(
        pl.struct(ITEM).is_unique()
    )
    told = lines.filter(~pl.col("is_free")).with_columns(balance=pl.col("amount").sum().over(ITEM))
    answers = (
        told.select("account_no", "document_no", "item_key", (-pl.col("balance")).alias("amount"))
        .unique()
        .join(alone.select("account_no", "document_no", "amount", pl.col("item_key").alias("_own_key")),
              on=["account_no", "document_no", "amount"], how="inner")
        .filter(pl.struct("account_no", "_own_key").is_unique() & pl.struct(ITEM).is_unique())
        .select("account_no", pl.col("_own_key").alias("item_key"), pl.col("item_key").alias("_joins"))
    )  # fmt: skip
    return lines.join(answers, on=ITEM, how="left", validate="m:1", maintain_order="left").select(
        pl.exclude("item_key", "rule_id", "_joins"),
        pl.coalesce("_joins", "item_key").alias("item_key"),
        pl.when(pl.col("_joins").is_not_null())
        .then(pl.lit("document_of_item"))
        .otherwise("rule_id")
        .alias("rule_id"),
    )


def _open_items(lines: pl.DataFrame) -> pl.DataFrame:
    """Items that look for an answer, and those that can be one, on accounts where somebody looks."""
    items = (
        lines.group_by(ITEM, maintain_order=True)
        .agg(
            pl.col("posting_date").min().alias("on"), pl.col("gl_entry_no").min(), pl.col("amount").sum(),
            pl.col("is_free").all(), pl.col("is_done").all(),
        )
        .filter(pl.col("amount") != 0)
    )  # fmt: skip
    looks = items.filter("is_free").select("account_no").unique()
    answering = pl.col("is_free") | pl.col("is_done")
    return items.filter(answering).join(looks, on="account_no", how="semi").sort(
        "account_no", "on", "gl_entry_no", "item_key"
    )  # fmt: skip


def _rules(matching_rules: pl.DataFrame) -> list[Rule]:
    """The rules in the order of their rows: the first that fits a line matches it."""
    found = []
    for row in matching_rules.iter_rows(named=True):
        most_left, most_right = (int(most) for most in row["parts"].split(":"))
        tolerances = Decimal(row["amount_tolerance"]), int(row["day_tolerance"])
        found.append(Rule(row["rule_id"], row["kind"], most_left, most_right, *tolerances))
    return found


def _answers(
    rows: pl.DataFrame, rules: Sequence[Rule]
) -> tuple[list[tuple[str, Match]], list[tuple[str, str]]]:
    """The matches among the items of one account, and why the rest has none."""
    named = list(rows.iter_rows(named=True))
    free = [_item(row) for row in named if row["is_free"]]
    settled = [_item(row) for row in named if not row["is_free"]]
    matches: list[tuple[str, Match]] = []
    for rule in rules:
        if rule.kind == "settled":
            found = list(_at_settled(free, settled, rule))
        elif rule.kind == "amount":
            found = list(_pairs(free, rule) if rule.most_right == 1 else _sums(free, rule))
        else:
            continue
        matches.extend((rule.rule_id, match) for match in found)
        taken = {item.key for match in found for item in match}
        free = [item for item in free if item.key not in taken]
        settled = [item for item in settled if item.key not in taken]
    return matches, list(_misses(free, rules))


def _item(row: Mapping[str, Any]) -> Item:
    return Item(row["on"], row["gl_entry_no"], row["item_key"], row["amount"])


def _apart(one: Item, other: Item) -> int:
    return abs((one.on - other.on).days)


def _opposite(one: Item, other: Item, rule: Rule) -> bool:
    """Whether two items take each other away within the rule's tolerances."""
    return (
        one.balance * other.balance < 0
        and abs(one.balance + other.balance) <= rule.amount_tolerance
        and _apart(one, other) <= rule.day_tolerance
    )


def _at_settled(free: Sequence[Item], settled: Sequence[Item], rule: Rule) -> Iterator[Match]:
    """Lines that take away what is left on an item that nothing else will clear."""
    waiting: dict[Decimal, list[Item]] = defaultdict(list)
    for item in settled:
        waiting[item.balance].append(item)
    for line in free:
        near = _within(waiting, -line.balance, rule.amount_tolerance)
        found = next((item for item in near if _opposite(item, line, rule)), None)
        if found is not None:
            waiting[found.balance].remove(found)
            yield (found, line)


def _pairs(items: Sequence[Item], rule: Rule) -> Iterator[Match]:
    """Two items that take each other away: each with the earliest that still waits."""
    waiting: dict[Decimal, list[Item]] = defaultdict(list)
    for item in items[:SEARCHED] if rule.amount_tolerance else items:
        near = _within(waiting, -item.balance, rule.amount_tolerance)
        found = next((other for other in near if _opposite(other, item, rule)), None)
        if found is None:
            waiting[item.balance].append(item)
        else:
            waiting[found.balance].remove(found)
            yield (found, item)


def _within(waiting: Mapping[Decimal, list[Item]], amount: Decimal, tolerance: Decimal) -> list[Item]:
    """Those that wait with this amount, or with one that the tolerance allows: the nearest first."""
    if not tolerance:
        return waiting.get(amount, [])
    near = [item for each, some in waiting.items() if abs(each - amount) <= tolerance for item in some]
    return sorted(near, key=lambda item: (abs(item.balance - amount), item))


def _sums(items: Sequence[Item], rule: Rule) -> Iterator[Match]:
    """Several items that take away one, or several, with the same sum: few before many, early before late."""
    left = list(items[:SEARCHED])
    for first in items[:SEARCHED]:
        if first not in left:
            continue
        near = sorted(
            (other for other in left if other != first and _apart(first, other) <= rule.day_tolerance),
            key=lambda other: (_apart(first, other), other),
        )
        found = _balanced(first, near, rule)
        if found is not None:
            left = [item for item in left if item not in found]
            yield found


def _balanced(first: Item, near: Sequence[Item], rule: Rule) -> Match | None:
    """The smallest set around the first item that sums to 0."""
    beside = [item for item in near if item.balance * first.balance > 0][:NEAREST]
    opposite = [item for item in near if item.balance * first.balance < 0][:NEAREST]
    sums: dict[Decimal, Match] = {}
    for some in _combinations(opposite, range(2, rule.most_right + 1)):
        sums.setdefault(-sum((item.balance for item in some), Decimal()), some)
    for others in _combinations(beside, range(rule.most_left)):
        answer = sums.get(first.balance + sum((item.balance for item in others), Decimal()))
        if answer is not None:
            return tuple(sorted((first, *others, *answer)))
    return None


def _combinations(items: Sequence[Item], sizes: range) -> Iterator[Match]:
    for size in sizes:
        yield from combinations(items, size)


def _misses(free: Sequence[Item], rules: Sequence[Rule]) -> Iterator[tuple[str, str]]:
    """Why an item that looks for its answer has none: how far off the nearest is."""
    bounds = next((rule for rule in rules if rule.kind == "miss"), None)
    allowed = next((rule for rule in rules if rule.rule_id == "one_to_one"), None)
    if bounds is None or allowed is None:
        return
    searched = free[:SEARCHED]
    for item in searched:
        near = [other for other in searched if _opposite(item, other, bounds)]
        if near:
            best = min(
                near, key=lambda other: (abs(item.balance + other.balance), _apart(item, other), other)
            )
            yield item.key, _reason(item, best, allowed)


def _reason(item: Item, best: Item, allowed: Rule) -> str:
    off, days = abs(item.balance + best.balance), _apart(item, best)
    told = [f"the amount is off by {off.normalize():f}"] if off else []
    late = f"it lies {days} days away, of which {allowed.day_tolerance} are allowed"
    told += [late] if days > allowed.day_tolerance else []
    return f"{best.key} of {best.on} comes nearest, but " + " and ".join(told)


def _joined(lines: pl.DataFrame, joined: Sequence[tuple[str, str, str, str]]) -> pl.DataFrame:
    """Lines of matched items under the item that they join, by the rule of the match."""
    schema = dict.fromkeys(("account_no", "item_key", "_joins", "_rule"), pl.String)
    told = pl.DataFrame(joined, schema=schema, orient="row")
    return lines.join(told, on=ITEM, how="left", validate="m:1", maintain_order="left").select(
        pl.exclude("item_key", "rule_id", "_joins", "_rule"),
        pl.coalesce("_joins", "item_key").alias("item_key"),
        pl.when(pl.col("is_free"))
        .then(pl.coalesce("_rule", "rule_id"))
        .otherwise("rule_id")
        .alias("rule_id"),
    )


def _missed(lines: pl.DataFrame, missed: Sequence[tuple[str, str, str]]) -> pl.DataFrame:
    schema = dict.fromkeys(("account_no", "item_key", "near_miss"), pl.String)
    told = pl.DataFrame(missed, schema=schema, orient="row")
    return lines.join(told, on=ITEM, how="left", validate="m:1", maintain_order="left")
