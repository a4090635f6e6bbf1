"""A little BC: business transactions become item ledger, value and G/L entries, queue, registers and
relation rows.

Here: the tables, the documents, the cost layers, the posting runs. Not here: which account a line takes
(that is in posting), what the company does in its year (that is in fjord and harbour).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.made.posting import (
    ACCOUNT_TYPES,
    GENERAL_SETUP_FIELDS,
    INVENTORY_SETUP_FIELDS,
    ZERO,
    Line,
    Row,
    Switches,
    buffer_key,
    open_lines,
    pair_lines,
    summed,
    write_off_pair,
)

TABLES = (
    "value_entry",
    "gl_entry",
    "gl_item_ledger_relation",
    "post_value_entry_to_gl",
    "gl_register",
    "item_ledger_entry",
    "capacity_ledger_entry",
    "item_application_entry",
    "inventory_posting_setup",
    "general_posting_setup",
    "gl_account",
    "item",
    "location",
    "inventory_setup",
    "manufacturing_setup",
    "general_ledger_setup",
    "source_code_setup",
    "production_order",
    "prod_order_line",
    "inventory_adjmt_entry_order",
    "dimension_set_entry",
    "accounting_period",
    "date_compr_register",
)
SOURCE_CODES = {
    "Purchase": "PURCHASES",
    "Sale": "SALES",
    "Positive Adjmt.": "ITEMJNL",
    "Negative Adjmt.": "ITEMJNL",
    "Transfer": "TRANSFER",
    "Consumption": "CONSUMPJNL",
    "Output": "POINOUTJNL",
    "": "CAPACITJNL",
    "Assembly Consumption": "ASSEMBLY",
    "Assembly Output": "ASSEMBLY",
}
CAPTIONS = {
    "inventory": "Inventory",
    "inventory_interim": "Inventory (Interim)",
    "wip": "WIP Inventory",
    "invt_accrual_interim": "Invt. Accrual (Interim)",
    "cogs_interim": "COGS (Interim)",
    "inventory_adjmt": "Inventory Adjmt.",
    "direct_cost_applied": "Direct Cost Applied",
    "overhead_applied": "Overhead Applied",
    "cogs": "COGS",
}


def money(amount: Decimal | int | str) -> Decimal:
    return Decimal(amount).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


class Ledger:
    """One company's tables, as BC would hold them, and the routines that write them."""

    def __init__(self, switches: Switches, rates: Sequence[tuple[date, Decimal]] = ()) -> None:
        self.tables: dict[str, list[Row]] = {name: [] for name in TABLES}
        self.switches = switches
        self.rates = list(rates)
        self.is_batch = False  # the value entries wait in the queue for the batch job
        self.allow_posting_from = date(1, 1, 1)
        self.last_numbers: dict[str, int] = defaultdict(int)
        self.related: set[tuple[int, int]] = set()
        self.register: Row | None = None
        self.seconds_of_day: dict[date, int] = defaultdict(int)
        self.layers: dict[
            int, list[tuple[int, Decimal]]
        ] = {}  # outbound item ledger entry -> (inbound, quantity)
        self.transfers: dict[int, int] = {}  # outbound item ledger entry -> its inbound twin
        self.user_id = "ANNA"

    # ---------------------------------------------------------------- tables

    def rows(self, table: str) -> list[Row]:
        return self.tables[table]

    def number(self, series: str) -> int:
        self.last_numbers[series] += 1
        return self.last_numbers[series]

    def document_no(self, series: str) -> str:
        return f"{series}-{self.number(series):04d}"

    def created_at(self, on: date) -> datetime:
        """The next moment of that working day."""
        self.seconds_of_day[on] += 7
        return datetime.combine(on, time(8)) + timedelta(seconds=self.seconds_of_day[on])

    def item(self, no: str) -> Row:
        return next(item for item in self.rows("item") if item["no"] == no)

    def ile(self, no: int) -> Row:
        return next(row for row in self.rows("item_ledger_entry") if row["entry_no"] == no)

    def value_entries_of(self, ile_no: int) -> list[Row]:
        return [ve for ve in self.rows("value_entry") if ve["item_ledger_entry_no"] == ile_no]

    def gl_entries_of(self, ve: Row) -> list[Row]:
        numbers = {
            rel["gl_entry_no"]
            for rel in self.rows("gl_item_ledger_relation")
            if rel["value_entry_no"] == ve["entry_no"]
        }
        return [gle for gle in self.rows("gl_entry") if gle["entry_no"] in numbers]

    def acy(self, amount: Decimal, on: date) -> Decimal:
        rate = Decimal(0)
        for starting, value in self.rates:
            if starting <= on:
                rate = value
        return money(amount * rate)

    def account(self, account_type: str, location: str, group: str, bus: str, prod: str) -> str:
        """The account that today's setup gives; blank where a row or its account is missing."""
        if account_type in INVENTORY_SETUP_FIELDS:
            for row in self.rows("inventory_posting_setup"):
                if (row["location_code"], row["invt_posting_group_code"]) == (location, group):
                    return str(row.get(INVENTORY_SETUP_FIELDS[account_type], ""))
            return ""
        for row in self.rows("general_posting_setup"):
            if (row["gen_bus_posting_group"], row["gen_prod_posting_group"]) == (bus, prod):
                return str(row.get(GENERAL_SETUP_FIELDS[account_type], ""))
        return ""

    # ---------------------------------------------------------------- G/L

    def open_register(self, source_code: str, on: date) -> Row:
        self.register = {
            "no": self.last_numbers["register"] + 1,
            "from_entry_no": 0,
            "to_entry_no": 0,
            "creation_date": on,
            "source_code": source_code,
            "user_id": self.user_id,
            "journal_batch_name": "",
        }
        return self.register

    def write_gl(self, register: Row, account_no: str, on: date, amount: Decimal, **fields: Any) -> Row:
        """One G/L entry in the register; a new transaction starts where document or date changes."""
        if register["from_entry_no"] == 0:
            register["no"] = self.number("register")
            self.rows("gl_register").append(register)
        document = fields.get("document_no", ""), on
        if register.get("document") != document:
            register["document"] = document
            register["transaction_no"] = self.number("transaction")
        entry_no = self.number("gl_entry")
        register["from_entry_no"] = register["from_entry_no"] or entry_no
        register["to_entry_no"] = entry_no
        row = {
            "entry_no": entry_no,
            "gl_account_no": account_no,
            "posting_date": on,
            "amount": amount,
            "debit_amount": max(amount, ZERO),
            "credit_amount": max(-amount, ZERO),
            "additional_currency_amount": fields.pop("acy", None),
            "transaction_no": register["transaction_no"],
            "source_code": register["source_code"],
            "user_id": self.user_id,
            "document_date": on,
            "gl_register_no": register["no"],
            "systemcreatedat": self.created_at(register["creation_date"]),
            **fields,
        }
        if row["additional_currency_amount"] is None:
            row["additional_currency_amount"] = self.acy(amount, on)
        self.rows("gl_entry").append(row)
        return row

    def journal(
        self,
        on: date,
        lines: Sequence[tuple[str, Decimal]],
        document_no: str = "",
        source_code: str = "GENJNL",
        **fields: Any,
    ) -> list[Row]:
        """A general journal or the G/L side of a document: balanced lines in a register of their own."""
        register = self.open_register(source_code, on)
        number = document_no or self.document_no("GJ")
        return [
            self.write_gl(register, account_no, on, amount, document_no=number, **fields)
            for account_no, amount in lines
        ]

    # ---------------------------------------------------------------- posting of cost

    def order_line(self, order_no: str, line_no: int) -> Row | None:
        for row in self.rows("prod_order_line"):
            if (row["prod_order_no"], row["line_no"]) == (order_no, line_no):
                return row
        return None

    def is_written_off(self, ve: Row) -> bool:
        """Whether WIP goes back at once: the order line is finished and nothing was produced."""
        kind = ve["item_ledger_entry_type"]
        if kind != "Consumption" and not (kind == "" and ve["order_type"] != "Assembly"):
            return False
        line = self.order_line(ve["order_no"], ve["order_line_no"])
        is_finished = line is not None and line["status"] == "Finished" and line["finished_qty_base"] == 0
        return is_finished and self.switches.finish_order_without_output and not ve["expected_cost"]

    def group_for(self, account_type: str, ve: Row) -> str:
        """The inventory posting group of the lookup; WIP takes the produced item's group from its card."""
        source_no = ve["source_no"]
        if account_type == "wip" and ve["source_type"] == "Item" and source_no != ve["item_no"]:
            return str(self.item(source_no)["inventory_posting_group"])
        return str(ve["inventory_posting_group"])

    def resolved(self, account_type: str, ve: Row) -> str:
        return self.account(
            account_type,
            ve["location_code"],
            self.group_for(account_type, ve),
            ve["gen_bus_posting_group"],
            ve["gen_prod_posting_group"],
        )

    def buffered(self, ve: Row, lines: Iterable[Line], on: date) -> list[tuple[tuple[Any, ...], Line, Row]]:
        return [(buffer_key(ve, line, self.group_for(line.account_type, ve), on), line, ve) for line in lines]

    def flush(
        self, register: Row, buffered: Iterable[tuple[tuple[Any, ...], Line, Row]], document_no: str | None
    ) -> None:
        """Posts the buffer: one G/L entry a line unless it sums to 0, and a relation row for every value
        entry behind it.
        """
        for key, line, entries in summed(buffered):
            ve = entries[0]
            if line.amount or line.amount_acy:
                self.write_gl(
                    register,
                    self.account(line.account_type, key[2], key[3], key[4], key[5]),
                    key[0],
                    line.amount,
                    acy=line.amount_acy,
                    dimension_set_id=key[6],
                    system_created_entry=True,
                    kind=line.kind,
                    account_type=line.account_type,
                    **(
                        self.entry_fields(ve, key[0])
                        if document_no is None
                        else group_fields(key, line, document_no)
                    ),
                )
            for entry in entries:
                self.relate(register, entry)

    def entry_fields(self, ve: Row, on: date) -> Row:
        return {
            "document_no": ve["document_no"],
            "external_document_no": ve["external_document_no"],
            "description": f"{ve['entry_type']} {ve['source_no']} on {on:%m/%d/%y}",
            "prod_order_no": ve["order_no"],
            "job_no": ve["job_no"],
        }

    def relate(self, register: Row, ve: Row) -> None:
        """The relation row points at the last G/L entry of the register, whichever line that was."""
        row = {
            "gl_entry_no": register["to_entry_no"],
            "value_entry_no": ve["entry_no"],
            "gl_register_no": register["no"],
        }
        key = row["gl_entry_no"], row["value_entry_no"]
        if key not in self.related:
            self.related.add(key)
            self.rows("gl_item_ledger_relation").append(row)

    def mark_posted(self, ve: Row) -> None:
        ve["cost_posted_to_gl"] = ve["cost_amount_actual"]
        ve["cost_posted_to_gl_acy"] = ve["cost_amount_actual_acy"]
        if self.switches.expected_cost_posting:
            ve["expected_cost_posted_to_gl"] = ve["cost_amount_expected"]
            ve["exp_cost_posted_to_gl_acy"] = ve["cost_amount_expected_acy"]

    def can_post(self, ve: Row, lines: Sequence[Line]) -> bool:
        return all(self.resolved(line.account_type, ve) for line in lines)

    def post_each(self, entries: Iterable[Row], on: date) -> None:
        """Per entry: each value entry gets lines of its own."""
        register = self.open_register("INVTPCOST", on)
        for ve in entries:
            lines = open_lines(ve, self.switches, self.is_written_off(ve))
            if not self.can_post(ve, lines):
                self.enqueue(ve)
                continue
            self.flush(register, self.buffered(ve, lines, ve["posting_date"]), None)
            self.mark_posted(ve)
            self.unqueue(ve)

    def post_groups(self, entries: Iterable[Row], on: date, document_no: str) -> None:
        """Per posting group: lines of many value entries are summed by BC's key."""
        buffered: list[tuple[tuple[Any, ...], Line, Row]] = []
        register = self.open_register("INVTPCOST", on)
        posted = []
        for ve in entries:
            lines = open_lines(ve, self.switches, self.is_written_off(ve))
            if self.can_post(ve, lines):
                buffered += self.buffered(ve, lines, ve["posting_date"])
                posted.append((ve, bool(lines)))
        self.flush(register, buffered, document_no)
        for ve, has_lines in posted:
            if has_lines:  # an entry that is handled without posting keeps 0 in the batch
                self.mark_posted(ve)
            self.unqueue(ve)

    def run_batch(self, on: date, per_group: bool, hold: Iterable[int] = ()) -> None:
        """The batch job over the queue, item entries first, capacity entries after them."""
        kept = set(hold)
        queued = {row["value_entry_no"] for row in self.rows("post_value_entry_to_gl")} - kept
        entries = [ve for ve in self.rows("value_entry") if ve["entry_no"] in queued]
        entries.sort(key=lambda ve: (ve["item_ledger_entry_type"] == "", ve["entry_no"]))
        if per_group:
            self.post_groups(entries, on, self.document_no("COST"))
        else:
            self.post_each(entries, on)

    def enqueue(self, ve: Row) -> None:
        row = {"value_entry_no": ve["entry_no"], "item_no": ve["item_no"], "posting_date": ve["posting_date"]}
        if row not in self.rows("post_value_entry_to_gl"):
            self.rows("post_value_entry_to_gl").append(row)

    def unqueue(self, ve: Row) -> None:
        queue = self.tables["post_value_entry_to_gl"]
        self.tables["post_value_entry_to_gl"] = [
            row for row in queue if row["value_entry_no"] != ve["entry_no"]
        ]

    def is_postable(self, ve: Row) -> bool:
        has_actual = not ve["expected_cost"] and bool(
            ve["cost_amount_actual"] or ve["cost_amount_actual_acy"]
        )
        has_expected = bool(ve["cost_amount_expected"] or ve["cost_amount_expected_acy"])
        return bool(ve["inventoriable"]) and (
            has_actual or (has_expected and self.switches.expected_cost_posting)
        )

    def settle_cost(self, entries: Sequence[Row], on: date) -> None:
        """After a document: posted at once, or queued for the batch job."""
        postable = [ve for ve in entries if self.is_postable(ve)]
        if not postable:
            return
        if self.is_batch:
            for ve in postable:
                self.enqueue(ve)
        else:
            self.post_each(postable, on)

    # ---------------------------------------------------------------- entries

    def write_value_entry(self, ile: Row | None, on: date, **fields: Any) -> Row:
        """A value entry; amounts in additional currency follow the rate of the day unless given."""
        actual = money(fields.pop("actual", ZERO))
        expected = money(fields.pop("expected", ZERO))
        actual_acy = fields.pop("actual_acy", None)
        expected_acy = fields.pop("expected_acy", None)
        item = self.item(ile["item_no"]) if ile else None
        row: Row = {
            "entry_no": self.number("value_entry"),
            "item_no": ile["item_no"] if ile else "",
            "posting_date": on,
            "item_ledger_entry_type": ile["entry_type"] if ile else "",
            "source_no": ile["source_no"] if ile else "",
            "document_no": "",
            "description": "",
            "location_code": ile["location_code"] if ile else "",
            "inventory_posting_group": item["inventory_posting_group"] if item else "",
            "source_type": ile["source_type"] if ile else "",
            "item_ledger_entry_no": ile["entry_no"] if ile else 0,
            "valued_quantity": ile["quantity"] if ile else Decimal(0),
            "item_ledger_entry_quantity": Decimal(0),
            "invoiced_quantity": Decimal(0),
            "user_id": self.user_id,
            "source_code": SOURCE_CODES[ile["entry_type"]] if ile else "CAPACITJNL",
            "applies_to_entry": 0,
            "cost_amount_actual": actual,
            "cost_posted_to_gl": ZERO,
            "gen_bus_posting_group": ile.get("gen_bus_posting_group", "") if ile else "",
            "gen_prod_posting_group": item["gen_prod_posting_group"] if item else "",
            "document_date": on,
            "external_document_no": "",
            "cost_amount_actual_acy": self.acy(actual, on) if actual_acy is None else money(actual_acy),
            "cost_posted_to_gl_acy": ZERO,
            "document_type": "",
            "document_line_no": 10000,
            "order_type": ile["order_type"] if ile else "",
            "order_no": ile["order_no"] if ile else "",
            "order_line_no": ile["order_line_no"] if ile else 0,
            "expected_cost": False,
            "item_charge_no": "",
            "inventoriable": item is None or item["type"] == "Inventory",
            "valuation_date": self.valuation_date(ile, on, fields.get("entry_type", "Direct Cost")),
            "entry_type": "Direct Cost",
            "variance_type": "",
            "cost_amount_expected": expected,
            "cost_amount_non_invtbl": ZERO,
            "cost_amount_expected_acy": self.acy(expected, on)
            if expected_acy is None
            else money(expected_acy),
            "expected_cost_posted_to_gl": ZERO,
            "exp_cost_posted_to_gl_acy": ZERO,
            "dimension_set_id": ile["dimension_set_id"] if ile else 0,
            "job_no": ile["job_no"] if ile else "",
            "adjustment": False,
            "capacity_ledger_entry_no": 0,
            "type": "Work Center",
            "no": "",
            "systemcreatedat": self.created_at(on),
            **fields,
        }
        self.rows("value_entry").append(row)
        return row

    def valuation_date(self, ile: Row | None, on: date, entry_type: str) -> date:
        """All entries of an item ledger entry are valued on one day; only revaluation and rounding have their
        own.
        """
        if ile is None or entry_type in ("Revaluation", "Rounding"):
            return on
        return next((ve["valuation_date"] for ve in self.value_entries_of(ile["entry_no"])), on)

    def write_item_entry(
        self, entry_type: str, item_no: str, on: date, quantity: Decimal | int, **fields: Any
    ) -> Row:
        row: Row = {
            "entry_no": self.number("item_ledger_entry"),
            "item_no": item_no,
            "posting_date": on,
            "entry_type": entry_type,
            "source_no": "",
            "source_type": "",
            "document_no": "",
            "location_code": "MAIN",
            "quantity": Decimal(quantity),
            "remaining_quantity": Decimal(quantity),
            "invoiced_quantity": Decimal(0),
            "open": True,
            "positive": quantity > 0,
            "document_date": on,
            "document_type": "",
            "order_type": "",
            "order_no": "",
            "order_line_no": 0,
            "dimension_set_id": 0,
            "job_no": "",
            "completely_invoiced": False,
            "applied_entry_to_adjust": False,
            "systemcreatedat": self.created_at(on),
            **fields,
        }
        self.rows("item_ledger_entry").append(row)
        return row

    def invoice_quantity(self, ile: Row, quantity: Decimal, on: date) -> None:
        ile["invoiced_quantity"] += quantity
        ile["completely_invoiced"] = ile["invoiced_quantity"] == ile["quantity"]
        ile["last_invoice_date"] = on

    # ---------------------------------------------------------------- cost layers

    def cost_of(self, ile_no: int) -> Decimal:
        """Actual and expected cost of an item ledger entry; rounding entries never move on to other
        entries.
        """
        entries = [ve for ve in self.value_entries_of(ile_no) if ve["entry_type"] != "Rounding"]
        return sum((ve["cost_amount_actual"] + ve["cost_amount_expected"] for ve in entries), ZERO)

    def write_application(self, ile: Row, inbound_no: int, outbound_no: int, quantity: Decimal) -> None:
        self.rows("item_application_entry").append(
            {
                "entry_no": self.number("application"),
                "item_ledger_entry_no": ile["entry_no"],
                "inbound_item_entry_no": inbound_no,
                "outbound_item_entry_no": outbound_no,
                "quantity": quantity,
                "posting_date": ile["posting_date"],
                "cost_application": True,
            }
        )

    def apply(self, outbound: Row, to_entry: int = 0) -> Decimal:
        """Applies an outbound entry to open inbound layers, oldest first; returns its cost (negative)."""
        missing = -outbound["quantity"]
        used: list[tuple[int, Decimal]] = []
        for inbound in self.offered(outbound):
            fits = (
                inbound["item_no"] == outbound["item_no"]
                and inbound["location_code"] == outbound["location_code"]
            )
            if not fits or not inbound["positive"] or inbound["remaining_quantity"] <= 0 or missing == 0:
                continue
            if to_entry and inbound["entry_no"] != to_entry:
                continue
            quantity = min(missing, inbound["remaining_quantity"])
            inbound["remaining_quantity"] -= quantity
            inbound["open"] = inbound["remaining_quantity"] > 0
            missing -= quantity
            used.append((inbound["entry_no"], quantity))
            self.write_application(outbound, inbound["entry_no"], outbound["entry_no"], -quantity)
        if missing:
            raise ValueError(f"{outbound['item_no']} at {outbound['location_code']}: {missing} short")
        outbound["remaining_quantity"], outbound["open"] = Decimal(0), False
        self.layers[outbound["entry_no"]] = used
        return self.layer_cost(outbound["entry_no"])

    def offered(self, outbound: Row) -> Sequence[Row]:
        """Item ledger entries in the order in which an outbound entry takes from them: the last first under
        LIFO.
        """
        entries = self.rows("item_ledger_entry")
        return entries[::-1] if self.item(outbound["item_no"])["costing_method"] == "LIFO" else entries

    def receive_layer(self, inbound: Row) -> None:
        self.write_application(inbound, inbound["entry_no"], 0, inbound["quantity"])

    def layer_cost(self, outbound_no: int) -> Decimal:
        """What the applied layers cost now, each application rounded by itself."""
        cost = ZERO
        for inbound_no, quantity in self.layers[outbound_no]:
            cost -= money(self.cost_of(inbound_no) * quantity / self.ile(inbound_no)["quantity"])
        return cost

    def adjust_cost(self, on: date) -> list[Row]:
        """Carries changed layer costs on to invoiced outbound entries; rounds off used-up layers."""
        written: list[Row] = []
        for outbound_no in list(self.layers):
            outbound = self.ile(outbound_no)
            change = self.layer_cost(outbound_no) - self.cost_of(outbound_no)
            if change and outbound["completely_invoiced"]:
                written += self.adjust(outbound, change)
        for inbound in [row for row in self.rows("item_ledger_entry") if row["positive"] and not row["open"]]:
            written += self.round_off(inbound)
        self.settle_cost(written, on)
        return written

    def adjust(self, outbound: Row, change: Decimal) -> list[Row]:
        corrected = [ve for ve in self.value_entries_of(outbound["entry_no"]) if not ve["expected_cost"]][-1]
        if outbound["entry_type"] == "Consumption":
            line = self.order_line(outbound["order_no"], outbound["order_line_no"])
            if line is None or line["finished_qty_base"] != 0:
                raise ValueError("consumption of a finished product isn't adjusted in this little BC")
        written = [self.write_correction(outbound, corrected, "Direct Cost", change)]
        if outbound["entry_no"] in self.transfers:
            inbound = self.ile(self.transfers[outbound["entry_no"]])
            twin = self.value_entries_of(inbound["entry_no"])[0]
            written.append(self.write_correction(inbound, twin, "Direct Cost", -change))
        return written

    def round_off(self, inbound: Row) -> list[Row]:
        applied = [
            no for no, used in self.layers.items() if any(layer == inbound["entry_no"] for layer, _ in used)
        ]
        if (
            not all(self.ile(no)["completely_invoiced"] for no in applied)
            or not inbound["completely_invoiced"]
        ):
            return []
        unit_cost = self.cost_of(inbound["entry_no"]) / inbound["quantity"]
        rounded = [
            money(unit_cost * quantity)
            for no in applied
            for layer, quantity in self.layers[no]
            if layer == inbound["entry_no"]
        ]
        residue = self.cost_of(inbound["entry_no"]) - sum(rounded, ZERO)
        if not residue or any(
            ve["entry_type"] == "Rounding" for ve in self.value_entries_of(inbound["entry_no"])
        ):
            return []
        corrected = [
            ve for ve in self.value_entries_of(inbound["entry_no"]) if ve["entry_type"] == "Direct Cost"
        ][-1]
        return [self.write_correction(inbound, corrected, "Rounding", -residue)]

    def write_correction(self, ile: Row, corrected: Row, entry_type: str, amount: Decimal) -> Row:
        """An entry of the cost adjustment: dated on the corrected entry's date, or on the first allowed
        one.
        """
        on = max(corrected["posting_date"], self.allow_posting_from)
        return self.write_value_entry(
            ile,
            on,
            actual=amount,
            entry_type=entry_type,
            adjustment=True,
            applies_to_entry=corrected["entry_no"],
            document_no=corrected["document_no"],
            document_type=corrected["document_type"],
            gen_bus_posting_group=corrected["gen_bus_posting_group"],
            gen_prod_posting_group=corrected["gen_prod_posting_group"],
            dimension_set_id=corrected["dimension_set_id"],
            source_code="INVTADJMT",
            user_id="JOBQUEUE",
        )


def group_fields(key: tuple[Any, ...], line: Line, document_no: str) -> Row:
    first = CAPTIONS.get(ACCOUNT_TYPES[key[1]], ACCOUNT_TYPES[key[1]])
    second = CAPTIONS.get(ACCOUNT_TYPES[key[8]], ACCOUNT_TYPES[key[8]])
    return {
        "document_no": document_no,
        "description": f"{first} - {second}, {key[2]}, {key[3]}, {key[4]}, {key[5]}"[:100],
    }


def write_off_finished(ledger: Ledger, order_no: str, on: date) -> None:
    """The finish routine: what was posted to WIP for an order without output is written off on the
    finishing date.
    """
    register = ledger.open_register("INVTPCOST", on)
    for ve in ledger.rows("value_entry"):
        if ve["order_no"] != order_no or ve["item_ledger_entry_type"] not in ("Consumption", ""):
            continue
        posted = ve["cost_posted_to_gl"], ve["cost_posted_to_gl_acy"]
        lines = pair_lines("write_off", write_off_pair(ve), *posted) if posted[0] else []
        ledger.flush(register, ledger.buffered(ve, lines, on), None)
