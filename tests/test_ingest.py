"""Ingest: every shape of input that the contract allows comes down to the same tables; the rest is refused.

`errors/` is the gallery: one page an error, the input and the exact message. It is the documentation.
"""

import re
import shutil
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from assets.storage import companies, read_company
from schemas import bc
from schemas.faults import InputError

GALLERY = Path(__file__).parent / "errors"
CRONUS_USA = Path(__file__).parent.parent / "assets" / "companies" / "cronus_usa"
PAGES = sorted(GALLERY.glob("*.md"), key=lambda page: page.name)
SECTION = re.compile(r"^## (?P<name>[^\n]+)\n```\w*\n(?P<text>.*?)\n?```$", re.MULTILINE | re.DOTALL)
AMOUNTS = ["cost_amount_actual", "cost_posted_to_gl", "cost_amount_expected", "expected_cost_posted_to_gl"]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The small company of the gallery, to be spoilt or dressed up."""
    return Path(shutil.copytree(GALLERY / "company", tmp_path / "small"))


def rows(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, infer_schema=False).fill_null("")


def write(table: pl.DataFrame, path: Path) -> None:
    table.write_csv(path) if path.suffix == ".csv" else table.write_parquet(path)


def refusal(source: Path, company: str | None = None) -> str:
    with pytest.raises(InputError) as fault:
        read_company(source, company)
    return str(fault.value).replace(str(source), "SOURCE")


def put(source: Path, name: str, text: str) -> None:
    path = source / name
    path.parent.mkdir(exist_ok=True)
    if text == "(no file)":
        path.unlink()
        return
    end = "\n" if text else ""
    path.write_bytes(text.encode().replace(rb"\xFC", b"\xfc") + end.encode())


@pytest.mark.parametrize("page", [p for p in PAGES if p.name != "README.md"], ids=lambda page: page.stem)
def test_the_gallery_shows_what_is_said(page: Path, source: Path) -> None:
    sections = {found["name"]: found["text"] for found in SECTION.finditer(page.read_text())}
    message = sections.pop("Message")
    for name, text in sections.items():
        put(source, name, text)
    assert refusal(source) == message.replace("\n", " ")


def test_cronus_usa_comes_in_with_its_known_totals() -> None:
    """Totals: the source's own README."""
    extract = read_company(CRONUS_USA)
    inputs = {given.table: given for given in extract.inputs}
    assert (extract.company, extract.scale) == ("cronus_usa", 2)
    assert (inputs["value_entry"].rows, inputs["gl_entry"].rows) == (870, 5688)
    totals = [inputs["value_entry"].control_totals[column] for column in AMOUNTS]
    assert totals == ["2255759.50", "2255759.50", "150495.00", "0.00"]
    assert inputs["gl_entry"].control_totals == {"amount": "0.00"}


def test_captions_and_snake_case_mix_and_order_does_not_matter(source: Path) -> None:
    before = read_company(source).tables["gl_entry"]
    entries = rows(source / "gl_entry.csv").rename(lambda caption: bc.snake(caption).upper())
    entries.select(reversed(entries.columns)).write_csv(source / "gl_entry.csv")
    assert read_company(source).tables["gl_entry"].equals(before)


@pytest.mark.parametrize(
    ("caption", "name"),
    [
        ("G/L - Item Ledger Relation", "gl_item_ledger_relation"),
        ("Cost Amount (Actual) (ACY)", "cost_amount_actual_acy"),
        ("No.", "no"),
        ("Indirect Cost %", "indirect_cost_pct"),
        ("Gen. Bus. Posting Group", "gen_bus_posting_group"),
        ("Avg. Cost Adjmt. Entry Point", "avg_cost_adjmt_entry_point"),
    ],
)
def test_the_naming_rule(caption: str, name: str) -> None:
    assert bc.snake(caption) == name


def test_options_come_as_ordinal_or_caption_in_any_case_and_blank_is_a_value(source: Path) -> None:
    names = ["1", "SALE", "", " ", "7", "positive adjmt."]
    entries = pl.concat([rows(source / "value_entry.csv").head(1)] * len(names)).with_columns(
        pl.Series("Entry No.", [str(n) for n in range(len(names))]),
        pl.Series("Item Ledger Entry Type", names),
    )
    entries.write_csv(source / "value_entry.csv")
    read = read_company(source).tables["value_entry"]["item_ledger_entry_type"]
    assert read.to_list() == ["Sale", "Sale", "", "", "", "Positive Adjmt."]


def test_an_absent_column_and_a_blank_cell_take_the_same_default(source: Path) -> None:
    put(source, "item.csv", "No.,Type,Unit Cost,Cost is Adjusted\nA,,,\nB,Service,1.5,yes")
    item = read_company(source).tables["item"]
    assert item["type"].to_list() == ["Inventory", "Service"]
    assert item["unit_cost"].to_list() == [None, Decimal("1.5")]
    assert item["cost_is_adjusted"].to_list() == [None, True]
    assert item["costing_method"].to_list() == [None, None]
    entry = read_company(source).tables["value_entry"].row(0, named=True)
    assert entry["inventoriable"] is True
    assert entry["expected_cost"] is False
    assert entry["cost_amount_expected"] == 0
    assert entry["dimension_set_id"] is None
    assert entry["variance_type"] == ""


def test_the_extract_tells_which_columns_were_given(source: Path) -> None:
    put(source, "location.csv", "Code,Colour\nBLUE,#00F")
    extract = read_company(source)
    assert extract.given["location"] == {"code"}
    assert {i.table: i.unknown_columns for i in extract.inputs}["location"] == ("Colour",)
    assert "item" not in extract.tables


def test_a_file_that_is_no_known_table_is_named_and_left_alone(source: Path) -> None:
    put(source, "vendor_ledger_entry.csv", "No.\n1")
    put(source, "notes.txt", "hello")
    assert read_company(source).unknown_tables == ("vendor_ledger_entry.csv",)


def test_a_blank_code_is_a_key_and_an_account_keeps_its_zeros(source: Path) -> None:
    put(
        source,
        "inventory_posting_setup.csv",
        "location_code,invt_posting_group_code,inventory_account\n,a,0099",
    )
    setup = read_company(source).tables["inventory_posting_setup"].row(0, named=True)
    assert (setup["location_code"], setup["invt_posting_group_code"], setup["inventory_account"]) == (
        "",
        "A",
        "0099",
    )


def test_dates_that_mean_no_date_are_null_and_times_come_in_utc(source: Path) -> None:
    header = "Entry No.,G/L Account No.,Posting Date,Amount,Document Date,SystemCreatedAt"
    put(
        source,
        "gl_entry.csv",
        f"{header}\n1,1,2026-01-05T00:00:00Z,1,0001-01-01,2026-01-05T01:30:00.5+02:00"
        "\n2,1,2026-01-05,-1,1753-01-01,0001-01-01T00:00:00Z",
    )
    entries = read_company(source).tables["gl_entry"]
    assert entries["posting_date"].to_list() == [date(2026, 1, 5)] * 2
    assert entries["document_date"].to_list() == [None, None]
    assert entries["system_created_at"].to_list() == [datetime(2026, 1, 4, 23, 30, 0, 500_000), None]


def test_quotes_newlines_blank_lines_and_a_byte_order_mark(source: Path) -> None:
    put(
        source,
        "item.csv",
        '\ufeffNo.,Description\n1,"Chair, ""blue""\nwith arms"\n\n2,5" pipe\n2,no',
    )
    assert refusal(source) == (
        "item.csv, line 6: no 2 stands there already at item.csv, line 5. A key may occur once; export again."
    )
    put(source, "item.csv", '\ufeffNo.,Description\r\n1,"Chair, ""blue""\nwith arms"\r\n2,5" pipe')
    assert read_company(source).tables["item"]["description"].to_list() == [
        'Chair, "blue"\nwith arms',
        '5" pipe',
    ]


@pytest.mark.parametrize("ending", ["", "\n"])
def test_an_optional_table_may_be_empty(source: Path, ending: str) -> None:
    (source / "item.csv").write_text("No.,Description" + ending)
    extract = read_company(source)
    assert extract.tables["item"].is_empty()
    assert extract.tables["item"].schema == bc.empty("item").schema


@pytest.mark.parametrize(
    ("amount", "scale"), [("1", 2), ("1.5", 2), ("1.125", 3), ("1.00010", 4), ("1.00001", 5)]
)
def test_the_scale_is_what_the_amounts_need(source: Path, amount: str, scale: int) -> None:
    put(source, "trial_balance.csv", f"account_no,date,balance\n1,2026-01-31,{amount}")
    extract = read_company(source)
    assert (extract.scale, extract.scale_acy) == (scale, 2)
    total = next(i for i in extract.inputs if i.table == "trial_balance").control_totals["balance"]
    assert total == f"{Decimal(amount):.{scale}f}"


def test_the_additional_currency_has_its_own_scale(source: Path) -> None:
    entries = rows(source / "gl_entry.csv").with_columns(pl.lit("0.001").alias("Additional-Currency Amount"))
    entries.write_csv(source / "gl_entry.csv")
    extract = read_company(source)
    assert (extract.scale, extract.scale_acy) == (2, 3)


def as_parquet(source: Path, table: str, **types: pl.DataType) -> pl.DataFrame:
    """The table rewritten as Parquet, snake case, with these types."""
    entries = rows(source / f"{table}.csv").rename(bc.snake).cast(dict(types))  # type: ignore[arg-type]
    entries = entries.with_columns(pl.col("posting_date").str.to_date())
    (source / f"{table}.csv").unlink()
    entries.write_parquet(source / f"{table}.parquet")
    return entries


@pytest.mark.parametrize("amount", [pl.Decimal(38, 2), pl.Decimal(38, 20), pl.Float64(), pl.String()])
def test_parquet_says_the_same_as_csv_whatever_its_types(source: Path, amount: pl.DataType) -> None:
    before = read_company(source).tables["gl_entry"]
    as_parquet(source, "gl_entry", amount=amount, entry_no=pl.Int32())
    assert read_company(source).tables["gl_entry"].equals(before)


def test_floats_count_only_where_they_are_exact(source: Path) -> None:
    entries = as_parquet(source, "gl_entry", amount=pl.Float64())
    for wrong, said in [
        (0.1 + 0.2, "'0.30000000000000004' has more than 5"),
        (float("nan"), "'NaN' is not an"),
    ]:
        entries.with_columns(amount=pl.lit(wrong)).write_parquet(source / "gl_entry.parquet")
        assert refusal(source).startswith(f"gl_entry.parquet, row 1, column 'amount': {said}")
    entries.cast({"amount": pl.Float32}).write_parquet(source / "gl_entry.parquet")
    assert refusal(source) == (
        "gl_entry.parquet, column 'amount': is Float32, which can't hold an amount exactly. "
        "Write it as Decimal or text."
    )
    entries.cast({"gl_account_no": pl.Float64}).write_parquet(source / "gl_entry.parquet")
    assert "is a floating point number, but G/L Account No. is a code" in refusal(source)


def test_parquet_that_was_cut_off_is_refused(source: Path) -> None:
    as_parquet(source, "gl_entry")
    whole = (source / "gl_entry.parquet").read_bytes()
    for length in (3, len(whole) // 2, len(whole) - 1):
        (source / "gl_entry.parquet").write_bytes(whole[:length])
        message = refusal(source)
        assert message.startswith("gl_entry.parquet: can't be read as Parquet, it is damaged or cut off")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_parts_are_one_table_in_file_name_order(source: Path, suffix: str) -> None:
    before = read_company(source).tables["gl_entry"]
    entries = rows(source / "gl_entry.csv")
    (source / "gl_entry.csv").unlink()
    (source / "gl_entry").mkdir()
    parts = {"b": entries[2:].select(reversed(entries.columns)), "a": entries[:2]}
    for name, part in parts.items():
        write(part, source / "gl_entry" / f"{name}.{suffix}")
    (source / "gl_entry" / "_SUCCESS").touch()
    assert read_company(source).tables["gl_entry"].equals(before)
    write(entries[1:2], source / "gl_entry" / f"b.{suffix}")
    first, second = ("line 3", "line 2") if suffix == "csv" else ("row 2", "row 1")
    assert refusal(source) == (
        f"gl_entry/b.{suffix}, {second}: entry_no 2 stands there already at gl_entry/a.{suffix}, {first}. "
        "A key may occur once; export again."
    )


def test_a_folder_of_parts_may_not_be_empty_nor_mixed(source: Path) -> None:
    (source / "gl_entry").mkdir()
    (source / "gl_entry.csv").unlink()
    assert refusal(source) == (
        "gl_entry: the folder holds no .csv or .parquet file. Export the table or remove it."
    )
    for name in ("a.csv", "b.parquet"):
        (source / "gl_entry" / name).touch()
    assert refusal(source) == "gl_entry: the folder holds CSV and Parquet. Keep the parts of one format."


def test_the_hash_of_a_folder_depends_on_names_and_bytes_only(source: Path) -> None:
    (source / "gl_entry").mkdir()
    (source / "gl_entry.csv").rename(source / "gl_entry" / "a.csv")
    first = {i.table: i.sha256 for i in read_company(source).inputs}
    (source / "gl_entry" / "a.csv").rename(source / "gl_entry" / "b.csv")
    second = {i.table: i.sha256 for i in read_company(source).inputs}
    assert first.pop("gl_entry") != second.pop("gl_entry")
    assert first == second


def test_each_folder_of_tables_is_a_company(source: Path) -> None:
    shutil.copytree(source, source.parent / "other")
    (source.parent / "notes").mkdir()
    assert [c.name for c in companies(source.parent)] == ["other", "small"]
    assert read_company(source.parent, "other").inputs[0].path == "other/general_posting_setup.csv"
    assert refusal(source.parent) == ("SOURCE: no company is chosen. Choose one of: other, small.")
    assert "there is no company 'third'" in refusal(source.parent, "third")


def test_a_folder_named_like_a_table_is_a_table(source: Path) -> None:
    (source / "item").mkdir()
    put(source, "item/part.csv", "No.\nA")
    assert read_company(source).tables["item"]["no"].to_list() == ["A"]
    assert [c.name for c in companies(source)] == ["small"]


def test_a_column_company_tells_the_companies_of_one_folder_apart(source: Path) -> None:
    for path in source.glob("*.csv"):
        one = rows(path)
        two = [one.with_columns(pl.lit(name).alias("Company")) for name in ("Alpha", "Beta Ltd.")]
        pl.concat(two).write_csv(path)
    assert [c.name for c in companies(source)] == ["Alpha", "Beta Ltd."]
    extract = read_company(source, "Beta Ltd.")
    assert extract.company == "Beta Ltd."
    assert extract.tables["gl_entry"]["entry_no"].to_list() == [1, 2, 3, 4]
    assert extract.given["gl_entry"] == {
        "entry_no",
        "gl_account_no",
        "posting_date",
        "amount",
    }


def test_a_fault_in_one_company_names_its_line_and_spares_the_other(source: Path) -> None:
    for path in source.glob("*.csv"):
        one = rows(path)
        bad = one.with_columns(pl.lit("x").alias("Amount")) if path.stem == "gl_entry" else one
        pl.concat([one.with_columns(company=pl.lit("A")), bad.with_columns(company=pl.lit("B"))]).write_csv(
            path
        )
    assert read_company(source, "A").tables["gl_entry"].height == 4
    assert refusal(source, "B").startswith("gl_entry.csv, line 6, column 'Amount': 'x' is not an amount.")


def test_a_source_without_tables_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path) == (
        "SOURCE: holds no table. Put value_entry.csv, gl_entry.csv and the setups into it."
    )
    assert refusal(tmp_path / "none") == (
        "SOURCE: is not a folder. Name the folder that holds the exported tables."
    )


def test_tables_beside_a_company_folder_are_refused(source: Path) -> None:
    shutil.copytree(source, source / "old")
    assert refusal(source) == "SOURCE: holds tables itself and a company in old. Keep one of the two."


def test_a_file_in_utf_16_is_refused_by_name(source: Path) -> None:
    (source / "item.csv").write_text("No.\nA", encoding="utf-16")
    assert refusal(source) == "item.csv: the file is UTF-16. Save it as UTF-8."


def test_a_link_to_nowhere_is_refused(source: Path) -> None:
    (source / "item.csv").symlink_to("nowhere.csv")
    assert refusal(source) == (
        "item.csv: can't be opened (No such file or directory). Check that it is there and readable."
    )
