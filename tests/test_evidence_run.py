"""The evidence of a real run: signed, checked, stamped, computed again, and asked by an auditor."""

import json
import re
import shutil
import subprocess
import tomllib
import zipfile
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple, cast

import polars as pl
import pytest
from click.testing import Result
from typer.testing import CliRunner

from assets import cli, config, reconciliation, run, storage
from assets.evidence import pack, provenance, reperformance
from assets.evidence.pack import ENVELOPE, MANIFEST
from pipelines import attest, rules
from schemas import bc
from schemas.faults import InputError
from schemas.ledger import Books
from schemas.marts import MARTS
from tests import auditor, packs
from tests.auditor import Auditor

ROOT = Path(__file__).parent.parent
COMPANY = "harbour_ceramics"
SMALL = reconciliation.demo_companies() / COMPANY
AUDITORS = (ROOT / "docs" / "auditors.md").read_text(encoding="utf-8")


def tieout(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def answers(told: Result) -> Mapping[str, Mapping[str, str]]:
    """The items of a check by name."""
    return {item["name"]: item for item in json.loads(told.stdout)["items"]}


class Signed(NamedTuple):
    """A run with its inputs in the pack, signed."""

    out: Path
    pack: Path
    key: Path
    public_key: Path


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    place = tmp_path_factory.mktemp("signed")
    key = packs.private_key(place / "key.pem")
    done = tieout("run", "--source", SMALL, "--out", place / "out", "--with-inputs", "--sign-key", key)
    assert done.exit_code == 1, done.output
    return Signed(place / "out", place / "out" / "evidence.zip", key, packs.public_key(key))


@pytest.fixture(scope="module")
def asked(signed: Signed) -> Auditor:
    return Auditor(signed.pack)


def figure(asked: Auditor, name: str) -> Mapping[str, object]:
    return next(f for f in asked.claims["figures"] if f["figure"] == name)


# The run's pack


def test_the_pack_of_a_run_is_sound_and_signed(signed: Signed) -> None:
    told = tieout("evidence", "verify", signed.pack, "--public-key", signed.public_key)
    assert told.exit_code == 0
    lines = told.stdout.splitlines()
    assert lines[0] == f"{signed.pack}: SOUND"
    assert {"  company: harbour_ceramics", "  status: differences"} <= set(lines)
    assert any(re.fullmatch(r"  ok +\(signature\): signed with key [0-9a-f]{64}", line) for line in lines)


def test_the_pack_holds_every_file_of_the_run_but_profile_and_csv(signed: Signed, asked: Auditor) -> None:
    files = {path.name: path.read_bytes() for path in signed.out.iterdir() if path.suffix != ".csv"}
    for left_out in ("evidence.zip", "profile.json"):
        del files[left_out]
    assert {name: asked.members[name] for name in files} == files
    others = {name for name in asked.members if "/" not in name} - set(files)
    assert others == {MANIFEST, ENVELOPE, "config.json"}


def test_the_csv_files_beside_the_pack_have_the_hashes_that_it_names(signed: Signed, asked: Auditor) -> None:
    beside = {each["name"]: each["digest"]["sha256"] for each in asked.claims["beside"]}
    files = {path.name: pack.measured(path.name, path).sha256 for path in signed.out.glob("*.csv")}
    assert beside == files
    assert len(files) == len(MARTS)


def test_the_pack_holds_the_inputs_and_the_rule_tables(asked: Auditor) -> None:
    inputs = {f"inputs/{path.name}": path.read_bytes() for path in SMALL.glob("*.csv")}
    tables = ROOT / "pipelines" / "tables"
    shipped = {f"rules/{path.name}": path.read_bytes() for path in tables.glob("*.csv")}
    both = {name: content for name, content in asked.members.items() if "/" in name}
    assert both == inputs | shipped


def test_no_place_on_this_machine_stands_in_a_pack(signed: Signed) -> None:
    content = signed.pack.read_bytes()
    for place in (signed.out.parent, SMALL, ROOT):
        assert str(place).encode() not in content


def test_every_published_table_has_its_row_of_facts() -> None:
    assert set(rules.figures()["mart"]) == set(MARTS)


def test_every_table_that_a_figure_rests_on_is_one_of_the_erp() -> None:
    named = {table for row in rules.figures()["tables"] for table in row.split(";")}
    assert named <= set(bc.fields())


def test_the_versions_are_those_of_every_package_that_tieout_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[\[<>=]", wanted)[0] for wanted in project["dependencies"]}
    assert set(provenance.PACKAGES) == names


def test_the_filters_hold_at_an_earlier_day(tmp_path: Path) -> None:
    """The tables whose filter ends at as-of have no later row; the two that say so have."""
    asked = run.Run(source=str(SMALL), as_of="2025-03-31", out=str(tmp_path / "out"))
    run.materialized(run.PUBLISHING, asked, lambda step, total: None)
    claims = Auditor(tmp_path / "out" / "evidence.zip").claims
    for told in claims["figures"]:
        rows = pl.read_parquet(tmp_path / "out" / f"{told['figure']}.parquet")
        dates = [name for name in ("posting_date", "last_posted_on", "opened_on") if name in rows.columns]
        last = max((str(rows[name].max()) for name in dates if rows[name].count()), default="")
        if told["filter"].startswith(("Posting date up to", "Linked G/L lines with")):
            assert last <= "2025-03-31", told["figure"]
        if told["filter"].startswith("All value entries"):
            assert last > "2025-03-31"


# Altered


def test_an_altered_pack_is_told_with_exit_code_1(signed: Signed, tmp_path: Path) -> None:
    content = signed.pack.read_bytes()
    figures = json.dumps(json.loads((signed.out / "summary.json").read_text())["tie_outs"][1]["gl"]).encode()
    (tmp_path / "forged.zip").write_bytes(content.replace(b'"gl": ' + figures, b'"gl": "9.99"'))
    told = tieout("evidence", "verify", tmp_path / "forged.zip", "--reperform")
    assert told.exit_code == 1
    assert told.stdout.splitlines()[0].endswith("forged.zip: 1 WRONG")
    assert re.search(r"^  wrong +summary\.json: its content was altered", told.stdout, re.MULTILINE)
    assert "(reperformance): the pack isn't whole" in told.stdout


def test_what_is_no_pack_is_told_with_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    told = tieout("evidence", "verify", tmp_path / "notes.txt")
    assert (told.exit_code, told.stdout) == (2, "")
    assert "notes.txt: is not an evidence pack" in told.stderr


@pytest.mark.parametrize("flags", [["--source", "x"], ["--timestamp", "x"], ["--tsa-ca", "x"]])
def test_flags_that_need_others_say_so(flags: list[str], signed: Signed) -> None:
    told = tieout("evidence", "verify", signed.pack, *flags)
    assert told.exit_code == 2
    assert "--reperform" in told.stderr or "needs both" in told.stderr


def test_a_key_that_cannot_sign_stops_the_run_before_it_begins(tmp_path: Path, signed: Signed) -> None:
    shared = shutil.copy(signed.key, tmp_path / "shared.pem")
    Path(shared).chmod(0o644)
    told = tieout("run", "--source", SMALL, "--out", tmp_path / "out", "--sign-key", shared)
    assert told.exit_code == 2
    assert "others can read this private key" in told.stderr
    assert "reading the tables" not in told.stderr
    assert not (tmp_path / "out").exists()


# Computed again


def test_a_pack_with_its_inputs_is_computed_again_to_the_byte(signed: Signed) -> None:
    told = tieout("evidence", "verify", signed.pack, "--reperform", "--json")
    assert told.exit_code == 0
    again = {name: item["told"] for name, item in answers(told).items() if name.endswith(" (again)")}
    files = {f"{name}.parquet" for name in MARTS} | {"summary.json", "report.html"}
    assert {f"{name} (again)" for name in files} <= set(again)
    assert set(again.values()) == {"came out again, the same bytes"}
    assert answers(told)["(program)"]["result"] == "ok"


@pytest.fixture(scope="module")
def forged(signed: Signed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack without inputs and signature in which a forger changed figures and the manifest, all of one
    piece.
    """
    members = packs.contents(signed.pack.read_bytes())
    summary = json.loads(members["summary.json"])
    summary["tie_outs"][1]["gl"] = "1.00"
    members["summary.json"] = json.dumps(summary).encode()
    told = json.loads(members[MANIFEST])["predicate"] | {"signed_by": None, "company": "harbour_ceramics"}
    kept = {n: c for n, c in members.items() if not n.startswith(("inputs/", "manifest."))}
    kept = {MANIFEST: pack.manifest_text([pack.measured(n, c) for n, c in kept.items()], told), **kept}
    path = tmp_path_factory.mktemp("forged") / "forged.zip"
    path.write_bytes(packs.canonical(kept))
    return path


def test_a_figure_that_does_not_come_out_again_is_named(forged: Path, tmp_path: Path) -> None:
    """The inputs were moved meanwhile; the company keeps the name that it has in the pack."""
    shutil.copytree(SMALL, tmp_path / "archive")
    told = tieout("evidence", "verify", forged, "--reperform", "--source", tmp_path / "archive", "--json")
    assert told.exit_code == 1
    wrong = {name: item["told"] for name, item in answers(told).items() if item["result"] == "wrong"}
    real = json.loads(zipfile.ZipFile(forged).read("summary.json"))["tie_outs"][1]["account_no"]
    assert list(wrong) == ["summary.json (again)"]
    assert wrong["summary.json (again)"].startswith(
        f"other figures came out: tie_outs[{real}].gl: '1.00' in the pack, "
    )


def test_other_inputs_are_named_before_anything_is_computed(forged: Path, tmp_path: Path) -> None:
    shutil.copytree(SMALL, tmp_path / "export")
    with (tmp_path / "export" / "item.csv").open("a") as items:
        items.write("\n")
    (tmp_path / "export" / "location.csv").unlink()
    told = tieout("evidence", "verify", forged, "--reperform", "--source", tmp_path / "export")
    assert told.exit_code == 1
    assert "are others than those of the pack: item was changed, location is missing" in told.stdout
    assert "(again)" not in told.stdout


def test_without_inputs_the_folder_has_to_be_named(forged: Path) -> None:
    told = tieout("evidence", "verify", forged, "--reperform")
    assert told.exit_code == 2
    assert "Name the folder that the run read: --source DIR" in told.stderr


def packed(folder: Path, name: str, content: bytes) -> zipfile.ZipFile:
    """A zip file of one member."""
    with zipfile.ZipFile(folder / "one.zip", "w") as made:
        made.writestr(name, content)
    return zipfile.ZipFile(folder / "one.zip")


TABLE = pl.DataFrame({"account_no": ["2110", "2120"], "gl": [Decimal("1.00"), Decimal("2.00")]})


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (TABLE, "came out again, the same figures in other bytes"),
        (TABLE.with_columns(gl=pl.col("gl") * 2), "other figures came out: gl in 2 of 2 rows"),
        (TABLE.head(1), "other figures came out: 2 rows in the pack, 1 now"),
        (TABLE.drop("gl"), "other figures came out: gl is a column of one of the two only"),
    ],
)
def test_a_table_in_other_bytes_is_compared_by_its_figures(
    now: pl.DataFrame, told: str, tmp_path: Path
) -> None:
    TABLE.write_parquet(tmp_path / "before.parquet", compression="lz4")
    now.write_parquet(tmp_path / "now.parquet", compression="zstd")
    with packed(tmp_path, "t.parquet", (tmp_path / "before.parquet").read_bytes()) as before:
        item = reperformance.difference(before, "t.parquet", tmp_path / "now.parquet")
    assert (item.told, item.result) == (told, "ok" if "same figures" in told else "wrong")


def test_a_page_in_other_bytes_is_not_compared(tmp_path: Path) -> None:
    (tmp_path / "now.html").write_text("now")
    with packed(tmp_path, "report.html", b"before") as before:
        item = reperformance.difference(before, "report.html", tmp_path / "now.html")
    assert item.result == "not checked"


def test_another_program_is_told(asked: Auditor) -> None:
    claimed = {**asked.claims, "versions": {**asked.claims["versions"], "polars": "1.0.0"}}
    told = reperformance.program(claimed)
    assert (told.result, told.told.endswith(": polars")) == ("not checked", True)


def test_settings_that_no_run_can_have_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="settings can't be those of a run"):
        reperformance.asked({"config": {"materiality": []}}, tmp_path, None, tmp_path)


# What it rests on


def test_own_posting_rules_are_packed_and_found_again(tmp_path: Path) -> None:
    own = tmp_path / "mine.csv"
    own.write_text("rule_id\nX1\n")
    tables = provenance.rule_tables(run.Run(posting_rules=str(own)))
    assert tables["rules/own_posting_rules.csv"] == b"rule_id\nX1\n"
    with packed(tmp_path, "rules/own_posting_rules.csv", b"rule_id\nX1\n") as found:
        unpacked = reperformance.unpacked_rules(found, tmp_path)
    assert unpacked is not None
    assert Path(unpacked).read_bytes() == own.read_bytes()


def test_inputs_that_were_changed_meanwhile_are_not_packed() -> None:
    with pytest.raises(InputError, match=r"item\.csv: was changed while the run was under way"):
        provenance.inputs(run.Run(source=str(SMALL)), {**given(), "item": "0" * 64})
    assert len(provenance.inputs(run.Run(source=str(SMALL)), given())) == len(given())


def given() -> dict[str, str]:
    return {table: each.sha256 for table, each in storage.input_files(SMALL).items()}


def test_the_hash_of_the_program_covers_its_modules_tables_and_templates() -> None:
    names = {name for name, _ in provenance._modules()}
    code = {
        path.relative_to(ROOT).as_posix() for room in provenance.ROOMS for path in (ROOT / room).rglob("*.py")
    }
    templates = {path.relative_to(ROOT).as_posix() for path in (ROOT / "reports/templates").iterdir()}
    assert code | templates | {"pipelines/tables/causes.csv", "schemas/tables/bc_fields.csv"} <= names
    assert not any(name.startswith("assets/companies") for name in names)


def test_what_the_config_says_of_the_evidence_reaches_the_run(tmp_path: Path) -> None:
    (tmp_path / "tieout.toml").write_text(
        "[source]\npath = 'x'\nextracted_at = 2026-07-01T06:30:00Z\n"
        "[evidence]\ninputs = true\nsign_key = 'key.pem'\n"
    )
    asked = run.as_resource(config.assignment(config.chosen(tmp_path / "tieout.toml")))
    assert (asked.extracted_at, asked.with_inputs) == ("2026-07-01T06:30:00Z", True)
    assert asked.sign_key == str(tmp_path / "key.pem")
    flags = config.chosen(tmp_path / "tieout.toml", sign_key=Path("other.pem"))
    assert config.assignment(flags).sign_key == Path("other.pem")


def test_a_failed_test_belongs_to_the_figures_that_rest_on_its_tables() -> None:
    summary = {
        "checks_run": [{"check": "g/l sums to 0", "result": "failed", "why": "The G/L sums to 5.00."}],
        "checks_off": [{"check": "trial balance agrees", "why": "table trial_balance not given"}],
    }
    tests = attest.completeness_tests(summary, rules.completeness())
    assert [(t["check"], t["result"], t["tables"]) for t in tests] == [
        ("g/l sums to 0", "failed", ["gl_entry"]),
        ("trial balance agrees", "off", ["trial_balance"]),
    ]
    moment = {"stated": "2026-07-01T06:30:00Z", "newest_entry": None}
    for table, failed in (("gl_entry", ["g/l sums to 0"]), ("item", [])):
        about = {"shows": "", "tables": f"{table};location", "filter": "up to {as_of}"}
        told = attest.figure("f", TABLE, about, [table], tests, moment, "2026-06-30")
        assert told["completeness"] == {"passed": [], "failed": failed, "off": []}
        assert (told["source"], told["filter"], told["rows"]) == ([table], "up to 2026-06-30", 2)
        assert (told["control_sums"], told["extracted_at"]) == ({"gl": "3.00"}, moment)


def test_an_account_that_was_carried_over_says_with_what() -> None:
    """Rows of 7.00 and a balance of 10.00: the rest stands for entries before the cut-over. The line of
    another role and the one after as-of don't count.
    """
    lines = pl.DataFrame(
        {
            "account_no": ["2110"] * 4 + [None],
            "account_role": ["inventory", "wip", "inventory_adjmt", "inventory", "cogs"],
            "posting_date": [date(2026, 6, 30)] * 3 + [date(2026, 7, 1), date(2026, 6, 30)],
            "gl_entry_no": [1, 2, 3, 4, 5],
            "amount": [Decimal(amount) for amount in ("3.00", "4.00", "100.00", "1000.00", "9.00")],
        }
    )
    tie_outs = [
        {"account_no": "2110", "controlled": True, "subledger": "10.00", "gl": "107.00"},
        {"account_no": None, "controlled": True, "subledger": "9.00", "gl": "9.00"},
    ]
    books = cast("Books", SimpleNamespace(as_of=date(2026, 6, 30), gl_entries=lines))
    account, nowhere = attest.balances({"tie_outs": tie_outs}, lines, books)
    told = ("rows", "control_sum", "carried")
    assert [account["subledger"][name] for name in told] == [2, "7.00", "3.00"]
    assert [account["gl"][name] for name in told] == [3, "107.00", "0.00"]
    assert [nowhere["subledger"][name] for name in told] == [1, "9.00", "0.00"]


def test_what_a_foreign_pack_says_does_nothing_to_a_terminal(tmp_path: Path) -> None:
    claims = {"company": "\x1b[2J\u202eevil"}
    (tmp_path / "run").mkdir()
    made = pack.write(pack.Evidence(claims), tmp_path / "run")
    told = tieout("evidence", "verify", made, "--reperform")
    assert told.exit_code == 1
    assert "(reperformance): the manifest doesn't tell of a run: config is missing" in told.stdout
    assert "  company: \\x1b[2J\\u202eevil" in told.stdout.splitlines()


# Stamped


AUTHORITY = """
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 365 -subj '/CN=Test CA'
openssl req -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.csr -subj '/CN=Test authority'
printf 'extendedKeyUsage=critical,timeStamping\\n' > tsa.ext
openssl x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 365 -extfile tsa.ext -out tsa.pem
printf '[own]\\nserial=serial\\nsigner_cert=tsa.pem\\ncerts=ca.pem\\nsigner_key=tsa.key\\n' > own
printf 'signer_digest=sha256\\ndefault_policy=1.2.3.4\\ndigests=sha256\\ncrypto_device=builtin\\n' >> own
echo 01 > serial
openssl ts -query -data evidence.zip -sha256 -cert -out evidence.tsq
openssl ts -reply -config own -section own -queryfile evidence.tsq -out evidence.tsr
openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.pem -days 365 -subj '/CN=Another CA'
"""


def shell(script: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    command = ["bash", "-euo", "pipefail", "-c", script]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def stamped(signed: Signed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pack, a stamp over it and the certificate of the authority, all made offline."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl isn't installed")
    folder = tmp_path_factory.mktemp("stamped")
    shutil.copy(signed.pack, folder)
    made = shell(AUTHORITY, folder)
    assert made.returncode == 0, made.stderr
    return folder


def stamp(folder: Path, pack: str = "evidence.zip", ca: str = "ca.pem") -> tuple[int, str]:
    told = tieout(
        "evidence", "verify", folder / pack, "--timestamp", folder / "evidence.tsr", "--tsa-ca", folder / ca
    )
    return told.exit_code, next((line for line in told.stdout.splitlines() if "(time stamp)" in line), "")


def test_a_stamp_tells_when_the_file_was_as_it_is(stamped: Path) -> None:
    code, told = stamp(stamped)
    assert code == 0
    assert re.fullmatch(
        r"  ok +\(time stamp\): the file was as it is at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told
    )


def test_a_stamp_of_another_file_is_named(stamped: Path) -> None:
    (stamped / "other.zip").write_bytes((stamped / "evidence.zip").read_bytes() + b"x")
    code, told = stamp(stamped, "other.zip")
    assert code == 1
    assert told.endswith("stamps another file, or this one was altered since")


def test_a_stamp_of_an_authority_that_is_not_trusted_is_named(stamped: Path) -> None:
    code, told = stamp(stamped, ca="other.pem")
    assert code == 1
    assert "isn't trusted: " in told


def test_what_is_no_stamp_is_named(stamped: Path, tmp_path: Path) -> None:
    shutil.copytree(stamped, tmp_path / "copy")
    (tmp_path / "copy" / "evidence.tsr").write_bytes(b"nonsense")
    code, told = stamp(tmp_path / "copy")
    assert code == 1
    assert told.endswith("isn't a time stamp (RFC 3161), or it was altered")


# Without tieout


def test_the_commands_for_auditors_check_a_pack_without_tieout(signed: Signed, tmp_path: Path) -> None:
    missing = [tool for tool in ("unzip", "awk", "sha256sum", "openssl") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    script = re.search(r"```sh\n(.*?)```", AUDITORS, re.DOTALL)
    assert script is not None
    for name in ("sound", "altered", "added", "other key"):
        (tmp_path / name).mkdir()
        shutil.copy(signed.pack, tmp_path / name)
        shutil.copy(signed.public_key, tmp_path / name / "key.pub.pem")
    members = packs.contents(signed.pack.read_bytes())
    (tmp_path / "altered" / "evidence.zip").write_bytes(packs.zipped(members | {"summary.json": b"{}"}))
    (tmp_path / "added" / "evidence.zip").write_bytes(packs.zipped(members | {"more.txt": b"more"}))
    shutil.copy(
        packs.public_key(packs.private_key(tmp_path / "k.pem")), tmp_path / "other key" / "key.pub.pem"
    )
    codes = {f.name: shell(script[1], f).returncode == 0 for f in tmp_path.iterdir() if f.is_dir()}
    assert codes == {"sound": True, "altered": False, "added": False, "other key": False}


# Ten questions, from the pack alone, and the same from the run's own folder


def summary(signed: Signed) -> Mapping[str, list[Mapping[str, str]]]:
    return dict(json.loads((signed.out / "summary.json").read_text()))


def test_the_questions_are_those_of_the_docs(asked: Auditor) -> None:
    listed = re.findall(r"^\| +(\d+) \| (.+?) \|", AUDITORS, re.MULTILINE)
    assert [int(number) for number, _ in listed] == list(range(1, 11))
    assert all(question(asked) for question in auditor.QUESTIONS)
    assert len(auditor.QUESTIONS) == len(listed)


def test_question_1_which_report_is_it(signed: Signed, asked: Auditor) -> None:
    told = asked.which_report_is_it()
    assert (told["company"], told["as_of"]) == (COMPANY, summary(signed)["as_of"])
    assert set(told["figures"]) == set(MARTS)


def test_question_2_where_do_the_figures_come_from(asked: Auditor) -> None:
    sources = asked.where_do_the_figures_come_from()
    path, rows, sha256 = sources["tie_outs"]["value_entry"]
    exported = SMALL / path
    assert rows == len(exported.read_text().splitlines()) - 1
    assert sha256 == pack.measured("value_entry", exported).sha256
    assert all(sources.values())


def test_question_3_when_were_they_extracted(asked: Auditor) -> None:
    tables = [pl.read_csv(SMALL / f"{name}.csv", infer_schema=False) for name in ("value_entry", "gl_entry")]
    newest = max(str(table["SystemCreatedAt"].max()) for table in tables)
    told = asked.when_were_they_extracted()
    assert told == {"stated": None, "newest_entry": newest.replace(".000Z", "Z")}


def test_question_4_which_filters_applied(signed: Signed, asked: Auditor) -> None:
    told = asked.which_filters_applied()
    assert told["filters"]["valuation"] == f"Posting date up to {summary(signed)['as_of']}"
    assert told["settings"]["materiality"] == "0.01"
    assert told["set_aside"] == {i["table"]: i["rows_set_aside"] for i in summary(signed)["inputs"]}


def test_question_5_is_the_data_complete(signed: Signed, asked: Auditor) -> None:
    told = asked.is_the_data_complete()
    assert told["failed"] == summary(signed)["inconclusive_because"] == []
    run = {c["check"] for c in summary(signed)["checks_run"]}
    assert {"g/l sums to 0", "relation rows lead to entries"} <= set(told["passed"]) <= run
    assert "trial balance agrees" in told["off"]


def test_question_6_do_rows_and_sums_agree(signed: Signed, asked: Auditor) -> None:
    told = dict(asked.do_rows_and_sums_agree())
    accounts = [t["account_no"] for t in summary(signed)["tie_outs"]]
    assert told.pop("accounts") == dict.fromkeys(accounts, True)
    assert told == dict.fromkeys(sorted(MARTS), True)
    assert {(b["subledger"]["carried"], b["gl"]["carried"]) for b in asked.claims["balances"]} == {
        ("0.00", "0.00")
    }
    gl = sum(Decimal(t["gl"]) for t in summary(signed)["tie_outs"])
    sums = figure(asked, "tie_outs")["control_sums"]
    assert isinstance(sums, dict)
    assert Decimal(sums["gl"]) == gl != 0


def test_question_7_by_which_logic(asked: Auditor) -> None:
    told = asked.by_which_logic()
    assert told["program"]["sha256"] == provenance.logic_digest()
    assert told["versions"]["polars"] == pl.__version__
    assert "rules/posting_rules_bc.csv" in told["rules"]
    assert told["changed"] == []


def test_question_8_what_is_the_result(signed: Signed, asked: Auditor) -> None:
    told = asked.what_is_the_result()
    assert told["status"] == summary(signed)["status"] == "differences"
    assert told["differences"] == {t["account_no"]: t["difference"] for t in summary(signed)["tie_outs"]}


def test_question_9_do_the_exceptions_explain_it(signed: Signed, asked: Auditor) -> None:
    told = asked.do_the_exceptions_explain_it()
    causes = summary(signed)["causes"]
    assert isinstance(causes, dict)
    assert told["causes"] == {cause: found["findings"] for cause, found in causes.items()}
    assert set(told["left"].values()) == {0}


def test_question_10_can_it_be_relied_on_and_repeated(signed: Signed, asked: Auditor) -> None:
    told = asked.can_it_be_relied_on_and_repeated()
    assert told["unaltered"]
    assert told["signed_by"] == json.loads(asked.members[ENVELOPE])["signatures"][0]["keyid"]
    assert set(told["inputs"]) == {path.name for path in SMALL.glob("*.csv")}
    assert signed.key.read_bytes() not in signed.pack.read_bytes()
