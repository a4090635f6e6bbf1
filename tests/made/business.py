"""The documents and journals of a company: receipts, invoices, shipments, transfers, production, assembly,
projects.

Each writes its entries and settles their cost. Costs follow the layers, so every figure can be recomputed
by hand.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from tests.made.ledger import Ledger, money, write_off_finished
from tests.made.posting import ZERO, Row

RECEIVABLES, PAYABLES, BANK, SALES, EXPENSES = "12000", "24000", "11000", "40000", "67000"


class Business(Ledger):
    """The company's people at work."""

    # ---------------------------------------------------------------- purchases

    def receive(
        self,
        on: date,
        item_no: str,
        quantity: int,
        unit_cost: str,
        location: str = "MAIN",
        vendor: str = "V100",
        **fields: Any,
    ) -> Row:
        """A purchase receipt, not invoiced: expected cost."""
        ile = self._receipt(on, item_no, quantity, location, vendor, fields)
        ve = self._expected(
            ile, on, money(quantity * self._inbound_cost(item_no, unit_cost)), "Purchase Receipt"
        )
        self.settle_cost([ve], on)
        return ile

    def _inbound_cost(self, item_no: str, unit_cost: str) -> Decimal:
        item = self.item(item_no)
        return Decimal(item["standard_cost"]) if item["costing_method"] == "Standard" else Decimal(unit_cost)

    def _receipt(self, on: date, item_no: str, quantity: int, location: str, vendor: str, fields: Row) -> Row:
        ile = self.write_item_entry(
            "Purchase",
            item_no,
            on,
            quantity,
            location_code=location,
            source_type="Vendor",
            source_no=vendor,
            document_no=self.document_no("PR"),
            document_type="Purchase Receipt",
            gen_bus_posting_group="DOMESTIC",
            **fields,
        )
        self.receive_layer(ile)
        return ile

    def _expected(self, ile: Row, on: date, amount: Decimal, document_type: str, **fields: Any) -> Row:
        return self.write_value_entry(
            ile,
            on,
            expected=amount,
            expected_cost=True,
            item_ledger_entry_quantity=ile["quantity"],
            document_no=ile["document_no"],
            document_type=document_type,
            **fields,
        )

    def _reversal(self, ile: Row, quantity: Decimal) -> tuple[Decimal, Decimal]:
        """Expected cost that an invoice of this quantity takes back: everything left when the entry is
        fully invoiced.
        """
        entries = [ve for ve in self.value_entries_of(ile["entry_no"]) if ve["entry_type"] != "Revaluation"]
        if ile["invoiced_quantity"] + quantity != ile["quantity"]:
            entries = [ve for ve in entries if ve["expected_cost"] and not ve["adjustment"]]
            share = quantity / ile["quantity"]
        else:
            share = Decimal(1)
        return (
            -money(sum(ve["cost_amount_expected"] for ve in entries) * share),
            -money(sum(ve["cost_amount_expected_acy"] for ve in entries) * share),
        )

    def invoice_receipt(
        self, on: date, ile: Row, unit_cost: str, quantity: int | None = None, **fields: Any
    ) -> list[Row]:
        """A purchase invoice: the document in the G/L, actual cost, the reversal of expected cost, overhead
        and variance.
        """
        invoiced = Decimal(quantity) if quantity is not None else ile["quantity"] - ile["invoiced_quantity"]
        direct = money(invoiced * Decimal(unit_cost))
        expected, expected_acy = self._reversal(ile, invoiced)
        self.invoice_quantity(ile, invoiced, on)
        common = {"document_no": self.document_no("PI"), "document_type": "Purchase Invoice", **fields}
        entries = [
            self.write_value_entry(
                ile,
                on,
                actual=direct,
                expected=expected,
                expected_acy=expected_acy,
                invoiced_quantity=invoiced,
                valued_quantity=invoiced,
                **common,
            )
        ]
        entries += self._overhead_and_variance(ile, on, direct, invoiced, common)
        entries += self._balancing_revaluation(ile, on, common)
        self.purchase_document(
            on, ile["source_no"], common["document_no"], entries[0]["gen_prod_posting_group"], direct
        )
        self.settle_cost(entries, on)
        return entries

    def _overhead_and_variance(
        self, ile: Row, on: date, direct: Decimal, quantity: Decimal, common: Row
    ) -> list[Row]:
        item = self.item(ile["item_no"])
        if item["costing_method"] != "Standard":
            return []
        indirect = money(item["overhead_rate"] * quantity)
        variance = money(item["standard_cost"] * quantity) - direct - indirect
        entries = []
        if indirect:
            entries.append(
                self.write_value_entry(
                    ile, on, actual=indirect, entry_type="Indirect Cost", valued_quantity=quantity, **common
                )
            )
        if variance:
            entries.append(
                self.write_value_entry(
                    ile,
                    on,
                    actual=variance,
                    entry_type="Variance",
                    variance_type="Purchase",
                    valued_quantity=quantity,
                    **common,
                )
            )
        return entries

    def _balancing_revaluation(self, ile: Row, on: date, common: Row) -> list[Row]:
        revalued = [ve for ve in self.value_entries_of(ile["entry_no"]) if ve["entry_type"] == "Revaluation"]
        expected = sum((ve["cost_amount_expected"] for ve in revalued), ZERO)
        expected_acy = sum((ve["cost_amount_expected_acy"] for ve in revalued), ZERO)
        if not expected:
            return []
        return [
            self.write_value_entry(
                ile, on, expected=-expected, expected_acy=-expected_acy, entry_type="Revaluation", **common
            )
        ]

    def purchase_document(
        self, on: date, vendor: str, document_no: str, prod_group: str, amount: Decimal
    ) -> None:
        account = next(
            row["purch_account"]
            for row in self.rows("general_posting_setup")
            if (row["gen_bus_posting_group"], row["gen_prod_posting_group"]) == ("DOMESTIC", prod_group)
        )
        party = {
            "source_type": "Vendor",
            "source_no": vendor,
            "document_type": "Invoice" if amount > 0 else "Credit Memo",
        }
        self.journal(on, [(account, amount), (PAYABLES, -amount)], document_no, "PURCHASES", **party)

    def charge(self, on: date, ile: Row, amount: str, vendor: str = "V900", **fields: Any) -> list[Row]:
        """An item charge: inbound it adds cost under the charge's own group; outbound it stays on the
        purchase account.
        """
        cost = money(amount)
        common = {
            "item_ledger_entry_type": "Purchase",
            "item_charge_no": "FREIGHT",
            "source_type": "Vendor",
            "source_no": vendor,
            "source_code": "PURCHASES",
            "document_no": self.document_no("PI"),
            "document_type": "Purchase Invoice",
            "gen_bus_posting_group": "DOMESTIC",
            **fields,
        }
        if ile["quantity"] < 0:
            entries = [
                self.write_value_entry(
                    ile,
                    on,
                    gen_prod_posting_group="CHARGE",
                    inventoriable=False,
                    cost_amount_non_invtbl=cost,
                    **common,
                )
            ]
        else:
            entries = [
                self.write_value_entry(ile, on, actual=cost, gen_prod_posting_group="CHARGE", **common)
            ]
            if self.item(ile["item_no"])["costing_method"] == "Standard":
                entries.append(
                    self.write_value_entry(
                        ile, on, actual=-cost, entry_type="Variance", variance_type="Purchase", **common
                    )
                )
        self.purchase_document(on, vendor, common["document_no"], "CHARGE", cost)
        self.settle_cost(entries, on)
        return entries

    def buy_service(self, on: date, item_no: str, amount: str) -> None:
        """A service item: its cost is never inventoriable."""
        ile = self._receipt(on, item_no, 1, "", "V900", {})
        ile.update(remaining_quantity=Decimal(0), open=False)
        self.invoice_quantity(ile, Decimal(1), on)
        ve = self.write_value_entry(
            ile,
            on,
            cost_amount_non_invtbl=money(amount),
            invoiced_quantity=Decimal(1),
            item_ledger_entry_quantity=Decimal(1),
            document_no=self.document_no("PI"),
            document_type="Purchase Invoice",
        )
        self.purchase_document(on, "V900", ve["document_no"], "SERVICES", money(amount))

    def return_purchase(self, on: date, receipt: Row, quantity: int) -> Row:
        """A return shipment at the cost of the receipt; the credit memo follows."""
        ile = self.write_item_entry(
            "Purchase",
            receipt["item_no"],
            on,
            -quantity,
            location_code=receipt["location_code"],
            source_type="Vendor",
            source_no=receipt["source_no"],
            document_no=self.document_no("RS"),
            document_type="Purchase Return Shipment",
            gen_bus_posting_group="DOMESTIC",
        )
        cost = self.apply(ile, receipt["entry_no"])
        self.settle_cost([self._expected(ile, on, cost, "Purchase Return Shipment")], on)
        return ile

    def credit_return(self, on: date, ile: Row) -> None:
        expected, expected_acy = self._reversal(ile, ile["quantity"])
        self.invoice_quantity(ile, ile["quantity"], on)
        number = self.document_no("PC")
        ve = self.write_value_entry(
            ile,
            on,
            actual=-expected,
            actual_acy=-expected_acy,
            expected=expected,
            expected_acy=expected_acy,
            invoiced_quantity=ile["quantity"],
            document_no=number,
            document_type="Purchase Credit Memo",
        )
        self.purchase_document(on, ile["source_no"], number, ve["gen_prod_posting_group"], -expected)
        self.settle_cost([ve], on)

    def undo_receipt(self, on: date, ile: Row) -> None:
        """Taking back a receipt posts actual cost on both entries although there is no invoice."""
        first = self.value_entries_of(ile["entry_no"])[0]
        cost, cost_acy = first["cost_amount_expected"], first["cost_amount_expected_acy"]
        common = {"document_no": ile["document_no"], "document_type": "Purchase Receipt"}
        back = self.write_value_entry(
            ile,
            on,
            actual=cost,
            actual_acy=cost_acy,
            expected=-cost,
            expected_acy=-cost_acy,
            invoiced_quantity=ile["quantity"],
            **common,
        )
        self.invoice_quantity(ile, ile["quantity"], on)
        undo = self.write_item_entry(
            "Purchase",
            ile["item_no"],
            on,
            -ile["quantity"],
            location_code=ile["location_code"],
            source_type="Vendor",
            source_no=ile["source_no"],
            gen_bus_posting_group="DOMESTIC",
            correction=True,
            **common,
        )
        self.apply(undo, ile["entry_no"])
        self.invoice_quantity(undo, undo["quantity"], on)
        received = self._expected(undo, on, -cost, "Purchase Receipt", expected_acy=-cost_acy)
        invoiced = self.write_value_entry(
            undo,
            on,
            actual=-cost,
            actual_acy=-cost_acy,
            expected=cost,
            expected_acy=cost_acy,
            invoiced_quantity=undo["quantity"],
            **common,
        )
        self.settle_cost([back, received, invoiced], on)

    # ---------------------------------------------------------------- sales

    def ship(
        self,
        on: date,
        item_no: str,
        quantity: int,
        location: str = "MAIN",
        customer: str = "C500",
        **fields: Any,
    ) -> Row:
        """A sales shipment, not invoiced: expected cost of the layers it takes."""
        ile = self.write_item_entry(
            "Sale",
            item_no,
            on,
            -quantity,
            location_code=location,
            source_type="Customer",
            source_no=customer,
            document_no=self.document_no("SS"),
            document_type="Sales Shipment",
            gen_bus_posting_group="DOMESTIC",
            **fields,
        )
        cost = self.apply(ile)
        self.settle_cost([self._expected(ile, on, cost, "Sales Shipment")], on)
        return ile

    def invoice_shipment(self, on: date, ile: Row, price: int, quantity: int | None = None) -> list[Row]:
        """A sales invoice: the document in the G/L, cost of goods sold, the reversal of expected cost."""
        invoiced = -Decimal(quantity) if quantity is not None else ile["quantity"] - ile["invoiced_quantity"]
        expected, expected_acy = self._reversal(ile, invoiced)
        is_last = ile["invoiced_quantity"] + invoiced == ile["quantity"]
        so_far = sum((ve["cost_amount_actual"] for ve in self.value_entries_of(ile["entry_no"])), ZERO)
        whole = self.layer_cost(ile["entry_no"])
        cost = whole - so_far if is_last else money(whole * invoiced / ile["quantity"])
        self.invoice_quantity(ile, invoiced, on)
        number = self.document_no("SI")
        ve = self.write_value_entry(
            ile,
            on,
            actual=cost,
            expected=expected,
            expected_acy=expected_acy,
            invoiced_quantity=invoiced,
            valued_quantity=invoiced,
            document_no=number,
            document_type="Sales Invoice",
        )
        self.sales_document(on, ile["source_no"], number, -invoiced * price)
        self.settle_cost([ve], on)
        return [ve]

    def sales_document(self, on: date, customer: str, document_no: str, amount: Decimal) -> None:
        party = {
            "source_type": "Customer",
            "source_no": customer,
            "document_type": "Invoice" if amount > 0 else "Credit Memo",
        }
        self.journal(
            on, [(RECEIVABLES, money(amount)), (SALES, -money(amount))], document_no, "SALES", **party
        )

    def return_sale(self, on: date, shipment: Row, quantity: int, price: int) -> None:
        """A return receipt at the cost of the shipment, and its credit memo the day after."""
        unit_cost = self.layer_cost(shipment["entry_no"]) / shipment["quantity"]
        cost = money(unit_cost * quantity)
        ile = self.write_item_entry(
            "Sale",
            shipment["item_no"],
            on,
            quantity,
            location_code=shipment["location_code"],
            source_type="Customer",
            source_no=shipment["source_no"],
            document_no=self.document_no("SR"),
            document_type="Sales Return Receipt",
            gen_bus_posting_group="DOMESTIC",
        )
        self.receive_layer(ile)
        first = self._expected(ile, on, cost, "Sales Return Receipt")
        self.settle_cost([first], on)
        self.invoice_quantity(ile, ile["quantity"], on)
        number = self.document_no("SC")
        ve = self.write_value_entry(
            ile,
            on,
            actual=cost,
            expected=-cost,
            expected_acy=-first["cost_amount_expected_acy"],
            invoiced_quantity=ile["quantity"],
            document_no=number,
            document_type="Sales Credit Memo",
        )
        self.sales_document(on, shipment["source_no"], number, Decimal(-quantity * price))
        self.settle_cost([ve], on)

    # ---------------------------------------------------------------- journals

    def adjust_stock(
        self,
        on: date,
        item_no: str,
        quantity: int,
        unit_cost: str = "0",
        location: str = "MAIN",
        **fields: Any,
    ) -> Row:
        """An item journal line: what came in at a stated cost, what went out at the cost of its layers."""
        ve = self.write_adjustment(on, item_no, quantity, unit_cost, location, **fields)
        self.settle_cost([ve], on)
        return ve

    def write_adjustment(
        self,
        on: date,
        item_no: str,
        quantity: int,
        unit_cost: str = "0",
        location: str = "MAIN",
        **fields: Any,
    ) -> Row:
        """The entries of an item journal line, their cost not settled."""
        ile = self.write_item_entry(
            "Positive Adjmt." if quantity > 0 else "Negative Adjmt.",
            item_no,
            on,
            quantity,
            location_code=location,
            document_no=self.document_no("IJ"),
            dimension_set_id=fields.pop("dimension_set_id", 0),
            job_no=fields.pop("job_no", ""),
        )
        if quantity > 0:
            self.receive_layer(ile)
            cost = money(quantity * Decimal(unit_cost))
        else:
            cost = self.apply(ile)
        self.invoice_quantity(ile, ile["quantity"], on)
        return self.write_value_entry(
            ile,
            on,
            actual=cost,
            invoiced_quantity=ile["quantity"],
            item_ledger_entry_quantity=ile["quantity"],
            document_no=ile["document_no"],
            **fields,
        )

    def transfer(self, on: date, item_no: str, quantity: int, source: str, target: str) -> None:
        """A direct transfer: cost leaves one location and reaches the other."""
        number = self.document_no("TR")
        order = {"document_no": number, "order_type": "Transfer", "order_no": number, "order_line_no": 10000}
        out = self.write_item_entry("Transfer", item_no, on, -quantity, location_code=source, **order)
        cost = self.apply(out)
        back = self.write_item_entry("Transfer", item_no, on, quantity, location_code=target, **order)
        self.receive_layer(back)
        self.transfers[out["entry_no"]] = back["entry_no"]
        entries = []
        for ile, amount in ((out, cost), (back, -cost)):
            self.invoice_quantity(ile, ile["quantity"], on)
            entries.append(
                self.write_value_entry(
                    ile,
                    on,
                    actual=amount,
                    invoiced_quantity=ile["quantity"],
                    item_ledger_entry_quantity=ile["quantity"],
                    document_no=number,
                    document_type="Direct Transfer",
                )
            )
        self.settle_cost(entries, on)

    def revalue(self, on: date, ile: Row, actual: str = "0", expected: str = "0", **fields: Any) -> Row:
        """A revaluation journal line; the part of an uninvoiced quantity is expected cost."""
        ve = self.write_value_entry(
            ile,
            on,
            actual=Decimal(actual),
            expected=Decimal(expected),
            entry_type="Revaluation",
            document_no=self.document_no("RV"),
            source_code="REVALJNL",
            **fields,
        )
        self.settle_cost([ve], on)
        return ve

    def pay(self, on: date, amount: str, account_no: str = PAYABLES) -> None:
        """A bank payment: a journal that touches no inventory account."""
        self.journal(on, [(account_no, money(amount)), (BANK, -money(amount))], source_code="PAYMENTJNL")

    # ---------------------------------------------------------------- production

    def start_order(self, item_no: str, location: str = "MAIN") -> Row:
        number = self.document_no("PO")
        self.rows("production_order").append({"status": "Released", "no": number})
        line = {
            "status": "Released",
            "prod_order_no": number,
            "line_no": 10000,
            "item_no": item_no,
            "location_code": location,
            "inventory_posting_group": self.item(item_no)["inventory_posting_group"],
            "finished_qty_base": Decimal(0),
        }
        self.rows("prod_order_line").append(line)
        return line

    def consume(self, on: date, order: Row, item_no: str, quantity: int, **fields: Any) -> Row:
        """Components go into WIP; the source of the entry is the produced item."""
        ile = self.write_item_entry(
            "Consumption",
            item_no,
            on,
            -quantity,
            location_code=order["location_code"],
            source_type="Item",
            source_no=order["item_no"],
            document_no=order["prod_order_no"],
            order_type="Production",
            order_no=order["prod_order_no"],
            order_line_no=order["line_no"],
            dimension_set_id=1,
        )
        cost = self.apply(ile)
        self.invoice_quantity(ile, ile["quantity"], on)
        ve = self.write_value_entry(
            ile,
            on,
            actual=cost,
            invoiced_quantity=ile["quantity"],
            item_ledger_entry_quantity=ile["quantity"],
            document_no=order["prod_order_no"],
            **fields,
        )
        self.settle_cost([ve], on)
        return ve

    def work(
        self,
        on: date,
        order: Row,
        minutes: int,
        rate: str = "2",
        overhead_pct: int = 10,
        center: str = "WELDING",
    ) -> list[Row]:
        """Capacity from a work center: direct cost and overhead, at the blank location."""
        direct = money(minutes * Decimal(rate))
        common = self._capacity(on, order, minutes, center, False) | {
            "source_type": "Item",
            "source_no": order["item_no"],
            "gen_prod_posting_group": "CAPACITY",
        }
        entries = [self.write_value_entry(None, on, actual=direct, **common)]
        if overhead_pct:
            overhead = money(direct * overhead_pct / 100)
            entries.append(
                self.write_value_entry(None, on, actual=overhead, entry_type="Indirect Cost", **common)
            )
        self.settle_cost(entries, on)
        return entries

    def subcontract(self, on: date, order: Row, amount: str) -> None:
        """A subcontractor's invoice: capacity whose source is the vendor."""
        number = self.document_no("PI")
        common = self._capacity(on, order, 1, "PAINTSHOP", True) | {
            "source_type": "Vendor",
            "source_no": "V700",
            "document_no": number,
            "document_type": "Purchase Invoice",
            "gen_bus_posting_group": "DOMESTIC",
            "gen_prod_posting_group": "SUBCON",
            "source_code": "PURCHASES",
        }
        ve = self.write_value_entry(None, on, actual=money(amount), **common)
        self.purchase_document(on, "V700", number, "SUBCON", money(amount))
        self.settle_cost([ve], on)

    def _capacity(self, on: date, order: Row, quantity: int, center: str, subcontracting: bool) -> Row:
        shared = {
            "order_type": "Production",
            "order_no": order["prod_order_no"],
            "order_line_no": order["line_no"],
            "document_no": order["prod_order_no"],
            "no": center,
            "type": "Work Center",
        }
        entry = {
            "entry_no": self.number("capacity_ledger_entry"),
            "posting_date": on,
            "work_center_no": center,
            "quantity": Decimal(quantity),
            "invoiced_quantity": Decimal(quantity),
            "item_no": order["item_no"],
            "completely_invoiced": True,
            "subcontracting": subcontracting,
            "document_date": on,
            **shared,
        }
        self.rows("capacity_ledger_entry").append(entry)
        return shared | {
            "capacity_ledger_entry_no": entry["entry_no"],
            "inventory_posting_group": order["inventory_posting_group"],
            "valued_quantity": Decimal(quantity),
            "invoiced_quantity": Decimal(quantity),
        }

    def output(self, on: date, order: Row, quantity: int, unit_cost: str = "0") -> Row:
        """Output before the order is finished: expected cost at the item's unit cost."""
        ile = self.write_item_entry(
            "Output",
            order["item_no"],
            on,
            quantity,
            location_code=order["location_code"],
            source_type="Item",
            source_no=order["item_no"],
            document_no=order["prod_order_no"],
            order_type="Production",
            order_no=order["prod_order_no"],
            order_line_no=order["line_no"],
            dimension_set_id=1,
        )
        self.receive_layer(ile)
        order["finished_qty_base"] += quantity
        ve = self._expected(ile, on, money(quantity * self._inbound_cost(order["item_no"], unit_cost)), "")
        self.settle_cost([ve], on)
        return ile

    def order_costs(self, order: Row) -> dict[str, Decimal]:
        """What the order really consumed: material, capacity, capacity overhead, subcontracting."""
        costs = dict.fromkeys(("Material", "Capacity", "Capacity Overhead", "Subcontracted"), ZERO)
        for ve in self.rows("value_entry"):
            if ve["order_no"] != order["prod_order_no"] or ve["entry_type"] not in (
                "Direct Cost",
                "Indirect Cost",
            ):
                continue
            if ve["item_ledger_entry_type"] == "Consumption":
                costs["Material"] -= ve["cost_amount_actual"]
            elif ve["item_ledger_entry_type"] == "":
                is_subcontracted = ve["source_type"] == "Vendor"
                overhead = "Capacity Overhead" if ve["entry_type"] == "Indirect Cost" else "Capacity"
                costs["Subcontracted" if is_subcontracted else overhead] += ve["cost_amount_actual"]
        return costs

    def finish(
        self,
        on: date,
        order: Row,
        shares: dict[str, str] | None = None,
        overhead: str = "0",
        non_inventory: str = "0",
    ) -> None:
        """The order is finished and its cost adjusted; without output, WIP is written off."""
        order["status"] = "Finished"
        header = next(row for row in self.rows("production_order") if row["no"] == order["prod_order_no"])
        header["status"] = "Finished"
        self.rows("inventory_adjmt_entry_order").append(
            {
                "order_type": "Production",
                "order_no": order["prod_order_no"],
                "order_line_no": order["line_no"],
                "item_no": order["item_no"],
                "cost_is_adjusted": True,
                "completely_invoiced": True,
                "is_finished": True,
            }
        )
        produced = [
            row
            for row in self.rows("item_ledger_entry")
            if row["entry_type"] == "Output" and row["order_no"] == order["prod_order_no"]
        ]
        if produced:
            self._complete_output(produced[0], order, shares or {}, money(overhead), money(non_inventory))
        elif self.switches.finish_order_without_output:
            write_off_finished(self, order["prod_order_no"], on)

    def _complete_output(
        self, ile: Row, order: Row, shares: dict[str, str], overhead: Decimal, non_inventory: Decimal
    ) -> None:
        """Real cost out of WIP, item overhead, non-inventory cost, and one variance a type for standard
        cost.
        """
        costs = self.order_costs(order)
        on = max(ile["posting_date"], self.allow_posting_from)
        common = {"document_no": order["prod_order_no"], "source_code": "INVTADJMT"}
        expected, expected_acy = self._reversal(ile, ile["quantity"])
        self.invoice_quantity(ile, ile["quantity"], on)
        entries = [
            self.write_value_entry(
                ile,
                on,
                actual=sum(costs.values(), ZERO),
                expected=expected,
                expected_acy=expected_acy,
                invoiced_quantity=ile["quantity"],
                **common,
            )
        ]
        if overhead:
            entries.append(
                self.write_value_entry(ile, on, actual=overhead, entry_type="Indirect Cost", **common)
            )
        if non_inventory:
            entries.append(
                self.write_value_entry(
                    ile, on, actual=non_inventory, entry_type="Direct Cost - Non Inventory", **common
                )
            )
        actual = costs | {"Manufacturing Overhead": overhead, "Material - Non Inventory": non_inventory}
        for variance_type, share in shares.items():
            variance = money(share) - actual[variance_type]
            if variance:
                entries.append(
                    self.write_value_entry(
                        ile, on, actual=variance, entry_type="Variance", variance_type=variance_type, **common
                    )
                )
        self.settle_cost(entries, on)

    def give_up(self, on: date, order: Row) -> None:
        """An order finished without output, after its cost was posted: later postings would leave overhead in
        WIP.
        """
        if self.is_batch:
            number = order["prod_order_no"]
            self.post_each([ve for ve in self.rows("value_entry") if ve["order_no"] == number], on)
        self.finish(on, order)

    # ---------------------------------------------------------------- assembly and projects

    def assemble(
        self,
        on: date,
        item_no: str,
        quantity: int,
        components: Sequence[tuple[str, int]],
        minutes: int,
        rate: str = "1",
    ) -> Row:
        """An assembly order posted in one go: components, resource with overhead, output at their sum."""
        number = self.document_no("AO")
        order = {"order_type": "Assembly", "order_no": number, "order_line_no": 0, "document_no": number}
        entries = []
        total = ZERO
        for component, used in components:
            ile = self.write_item_entry(
                "Assembly Consumption", component, on, -used, source_type="Item", source_no=item_no, **order
            )
            cost = self.apply(ile)
            total -= cost
            entries.append(self._whole(ile, on, cost, number))
        resource: Row = {
            **order,
            "capacity_ledger_entry_no": self._resource_entry(on, number, minutes),
            "type": "Resource",
            "no": "FITTER",
            "gen_prod_posting_group": "CAPACITY",
            "source_type": "Item",
            "source_no": item_no,
            "source_code": "ASSEMBLY",
            "valued_quantity": Decimal(minutes),
            "invoiced_quantity": Decimal(minutes),
        }
        direct = money(minutes * Decimal(rate))
        entries.append(self.write_value_entry(None, on, actual=direct, **resource))
        entries.append(
            self.write_value_entry(
                None, on, actual=money(direct / 10), entry_type="Indirect Cost", **resource
            )
        )
        total += direct + money(direct / 10)
        produced = self.write_item_entry(
            "Assembly Output", item_no, on, quantity, source_type="Item", source_no=item_no, **order
        )
        self.receive_layer(produced)
        entries.append(self._whole(produced, on, total, number))
        self.settle_cost(entries, on)
        return produced

    def _whole(self, ile: Row, on: date, cost: Decimal, document_no: str) -> Row:
        self.invoice_quantity(ile, ile["quantity"], on)
        return self.write_value_entry(
            ile,
            on,
            actual=cost,
            invoiced_quantity=ile["quantity"],
            item_ledger_entry_quantity=ile["quantity"],
            document_no=document_no,
        )

    def _resource_entry(self, on: date, order_no: str, minutes: int) -> int:
        entry_no = self.number("capacity_ledger_entry")
        self.rows("capacity_ledger_entry").append(
            {
                "entry_no": entry_no,
                "no": "FITTER",
                "posting_date": on,
                "type": "Resource",
                "document_no": order_no,
                "quantity": Decimal(minutes),
                "invoiced_quantity": Decimal(minutes),
                "completely_invoiced": True,
                "document_date": on,
                "order_type": "Assembly",
                "order_no": order_no,
            }
        )
        return entry_no

    def project_receipt(
        self, on: date, item_no: str, quantity: int, unit_cost: str, job_no: str
    ) -> tuple[Row, Row]:
        """Goods bought for a project: received and consumed at once, both at expected cost."""
        received = self._receipt(
            on, item_no, quantity, "MAIN", "V100", {"job_no": job_no, "dimension_set_id": 3}
        )
        first = self._expected(received, on, money(quantity * Decimal(unit_cost)), "Purchase Receipt")
        used = self.write_item_entry(
            "Negative Adjmt.",
            item_no,
            on,
            -quantity,
            source_type="Vendor",
            source_no="V100",
            document_no=received["document_no"],
            document_type="Purchase Receipt",
            gen_bus_posting_group="DOMESTIC",
            job_no=job_no,
            dimension_set_id=3,
        )
        second = self._expected(
            used, on, self.apply(used, received["entry_no"]), "Purchase Receipt", source_code="PURCHASES"
        )
        self.settle_cost([first, second], on)
        return received, used

    def invoice_project(self, on: date, received: Row, used: Row, unit_cost: str) -> None:
        """The vendor's invoice: actual cost comes in and goes straight on to the project."""
        quantity = received["quantity"]
        direct = money(quantity * Decimal(unit_cost))
        number = self.document_no("PI")
        entries = []
        for ile, amount in ((received, direct), (used, -direct)):
            expected, expected_acy = self._reversal(ile, ile["quantity"])
            self.invoice_quantity(ile, ile["quantity"], on)
            entries.append(
                self.write_value_entry(
                    ile,
                    on,
                    actual=amount,
                    expected=expected,
                    expected_acy=expected_acy,
                    invoiced_quantity=ile["quantity"],
                    document_no=number,
                    document_type="Purchase Invoice",
                    source_code="PURCHASES",
                )
            )
        self.purchase_document(on, "V100", number, entries[0]["gen_prod_posting_group"], direct)
        self.settle_cost(entries, on)
