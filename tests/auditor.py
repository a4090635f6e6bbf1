"""An auditor who has nothing but an evidence pack: the ten questions of ``docs/auditors.md``, answered.

Reads the zip file with Python's own library and the tables with Polars; nothing of tieout is asked.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl


class Auditor:
    """The answers that a pack gives."""

    def __init__(self, pack: Path) -> None:
        with zipfile.ZipFile(pack) as packed:
            self.members = {name: packed.read(name) for name in packed.namelist()}

    @cached_property
    def statement(self) -> Mapping[str, Any]:
        return dict(json.loads(self.members["manifest.json"]))

    @property
    def claims(self) -> Mapping[str, Any]:
        return dict(self.statement["predicate"])

    @property
    def summary(self) -> Mapping[str, Any]:
        return dict(json.loads(self.members["summary.json"]))

    def table(self, name: str) -> pl.DataFrame:
        return pl.read_parquet(io.BytesIO(self.members[f"{name}.parquet"]))

    def which_report_is_it(self) -> Mapping[str, Any]:
        told = {name: self.claims[name] for name in ("company", "as_of", "known_at")}
        return told | {"figures": {f["figure"]: f["shows"] for f in self.claims["figures"]}}

    def where_do_the_figures_come_from(self) -> Mapping[str, Any]:
        """For each figure the exported tables with file, rows and hash."""
        inputs = {i["table"]: (i["path"], i["rows"], i["sha256"]) for i in self.claims["inputs"]}
        return {f["figure"]: {table: inputs[table] for table in f["source"]} for f in self.claims["figures"]}

    def when_were_they_extracted(self) -> Mapping[str, Any]:
        return dict(self.claims["extracted_at"])

    def which_filters_applied(self) -> Mapping[str, Any]:
        return {
            "filters": {f["figure"]: f["filter"] for f in self.claims["figures"]},
            "settings": json.loads(self.members["config.json"]),
            "set_aside": {i["table"]: i["rows_set_aside"] for i in self.claims["inputs"]},
        }

    def is_the_data_complete(self) -> Mapping[str, Any]:
        """The tests by result, and the figures that a failed one casts doubt on."""
        tests = self.claims["completeness"]
        doubtful = [f["figure"] for f in self.claims["figures"] if f["completeness"]["failed"]]
        return {
            **{result: [t["check"] for t in tests if t["result"] == result] for result in ("passed", "off")},
            "failed": [t["why"] for t in tests if t["result"] == "failed"],
            "doubtful": doubtful,
        }

    def do_rows_and_sums_agree(self) -> Mapping[str, Any]:
        """For each figure whether its table has the rows and the sums that are claimed, and for each account
        whether its subledger is what the expected lines sum to.
        """
        accounts = {each["account_no"]: self._foots(each) for each in self.claims["balances"]}
        return {f["figure"]: self._agrees(f) for f in self.claims["figures"]} | {"accounts": accounts}

    def _foots(self, account: Mapping[str, Any]) -> bool:
        told, lines = account["subledger"], self.table("expected_postings")
        is_it = pl.col("account_no").eq_missing(pl.lit(account["account_no"], pl.String))
        counts = pl.lit(True) if account["roles"] == "all" else pl.col("account_role").is_in(account["roles"])
        rows = lines.filter(
            is_it & counts & (pl.col("posting_date") <= date.fromisoformat(self.claims["as_of"]))
        )
        return (rows.height, rows["amount"].sum() + Decimal(told["carried"])) == (
            told["rows"],
            Decimal(told["amount"]),
        )

    def _agrees(self, figure: Mapping[str, Any]) -> bool:
        rows = self.table(figure["figure"])
        sums = {name: rows[name].sum() for name, dtype in rows.schema.items() if dtype.is_decimal()}
        return rows.height == figure["rows"] and sums == {
            name: Decimal(text) for name, text in figure["control_sums"].items()
        }

    def by_which_logic(self) -> Mapping[str, Any]:
        rules = {name: content for name, content in self.members.items() if name.startswith("rules/")}
        return {
            "program": self.claims["logic"],
            "versions": self.claims["versions"],
            "rules": {name: hashlib.sha256(content).hexdigest() for name, content in rules.items()},
            "changed": self.claims["rules_changed"],
        }

    def what_is_the_result(self) -> Mapping[str, Any]:
        return {
            "status": self.claims["status"],
            "because": self.claims["inconclusive_because"],
            "differences": {t["account_no"]: t["difference"] for t in self.summary["tie_outs"]},
        }

    def do_the_exceptions_explain_it(self) -> Mapping[str, Any]:
        """The findings by cause, and what they leave unexplained on each controlled account."""
        findings = self.table("differences")
        explained = dict(findings.group_by("account_no").agg(pl.col("difference").sum()).iter_rows())
        controlled = [t for t in self.summary["tie_outs"] if t["controlled"]]
        left = {
            t["account_no"]: Decimal(t["difference"]) - explained.get(t["account_no"], 0) for t in controlled
        }
        causes = findings.group_by("cause").agg(pl.col("finding_id").n_unique())
        return {"causes": dict(causes.iter_rows()), "left": left}

    def can_it_be_relied_on_and_repeated(self) -> Mapping[str, Any]:
        """Whether every member is as it was, who signed it, and whether the inputs to repeat it are there."""
        wanted = {each["name"]: each["digest"]["sha256"] for each in self.statement["subject"]}
        found = {
            name: hashlib.sha256(content).hexdigest()
            for name, content in self.members.items()
            if name not in {"manifest.json", "manifest.dsse.json"}
        }
        inputs = [i["path"] for i in self.claims["inputs"] if f"inputs/{i['path']}" in self.members]
        return {"unaltered": wanted == found, "signed_by": self.claims["signed_by"], "inputs": inputs}


QUESTIONS: tuple[Callable[[Auditor], Mapping[str, Any]], ...] = (
    Auditor.which_report_is_it,
    Auditor.where_do_the_figures_come_from,
    Auditor.when_were_they_extracted,
    Auditor.which_filters_applied,
    Auditor.is_the_data_complete,
    Auditor.do_rows_and_sums_agree,
    Auditor.by_which_logic,
    Auditor.what_is_the_result,
    Auditor.do_the_exceptions_explain_it,
    Auditor.can_it_be_relied_on_and_repeated,
)
