"""The command line: its options, exit codes, messages, and what stands on which stream."""

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from typer.testing import CliRunner, Result

from assets import cli, config, console, reconciliation, run
from assets.console import Step
from assets.reconciliation import Outcome
from assets.run import Run
from assets.server import HOST
from schemas.faults import InputError
from schemas.marts import MARTS

COMMANDS = (
    "demo",
    "run",
    "months",
    "check",
    "explain",
    "matrix",
    "propose",
    "diff",
    "opening",
    "init",
    "dev",
)
DEMO = reconciliation.demo_companies()
SMALL = DEMO / "harbour_ceramics"
BROWSER = build_opener(ProxyHandler({}))
HEAVY = ("dagster", "great_expectations", "pandas", "pandera", "plotly", "polars")


def tieout(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def status(out: Path) -> str:
    return str(json.loads((out / "summary.json").read_text())["status"])


# Help


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    told = tieout(command, "--help")
    assert told.exit_code == 0
    assert f"Example: tieout {command}" in told.stdout


def test_help_names_every_command_and_exit_code() -> None:
    told = " ".join(tieout("--help").stdout.split())
    for word in (
        *COMMANDS,
        "0 reconciled",
        "1 differences",
        "2 trouble",
        "3 inconclusive",
        "130 interrupted",
    ):
        assert word in told


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from assets import cli; from typer.testing import CliRunner; "
        f"CliRunner().invoke(cli.app, ['--help']); print([m for m in {HEAVY} if m in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )


def test_help_takes_half_a_second() -> None:
    """In processor time, the best of three, so that a busy machine doesn't count."""
    command = [
        sys.executable,
        "-c",
        "import sys; sys.argv = ['tieout', '--help']; from assets.cli import main; main()",
    ]
    assert min(processor_seconds(command) for _ in range(3)) <= 0.5


def processor_seconds(command: list[str]) -> float:
    def used() -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return children.ru_utime + children.ru_stime

    before = used()
    subprocess.run(command, capture_output=True, check=True)
    return used() - before


# Bad usage: exit code 2, a message on standard error, nothing on standard output


REFUSED: Mapping[str, tuple[list[str], str]] = {
    "no source": (["run"], "no source is given. Name the folder of the exported tables"),
    "an unknown option": (["run", "--sauce", "x"], "No such option"),
    "an unknown command": (["reconcile"], "No such command"),
    "a source that isn't there": (["run", "--source", "nowhere"], "nowhere: is not a folder"),
    "a date that isn't ISO": (
        ["run", "--source", str(SMALL), "--as-of", "31.12.2026"],
        "--as-of: '31.12.2026' is not a date; write it as 2026-12-31",
    ),
    "a day that isn't there": (["run", "--source", str(SMALL), "--as-of", "2026-02-30"], "is not a date"),
    "materiality 0": (["run", "--source", str(SMALL), "--materiality", "0.00"], "must be more than 0"),
    "materiality below 0": (["run", "--source", str(SMALL), "--materiality=-1"], "'-1' is not an amount"),
    "materiality 1e3": (["run", "--source", str(SMALL), "--materiality", "1e3"], "'1e3' is not an amount"),
    "materiality nan": (["run", "--source", str(SMALL), "--materiality", "nan"], "'nan' is not an amount"),
    "an unknown company": (
        ["run", "--source", str(DEMO), "--company", "Cronus"],
        "there is no company 'Cronus'. Choose one of: cronus_usa, fjord_cycles, harbour_ceramics.",
    ),
    "a config that isn't there": (["run", "nowhere.toml"], "nowhere.toml: there is no such file"),
    "nothing to explain": (["explain", "--source", str(SMALL)], "name one thing to explain"),
    "two things to explain": (
        ["explain", "--source", str(SMALL), "--value-entry", "1", "--account", "14100"],
        "name one thing to explain",
    ),
    "no company chosen for the matrix": (
        ["matrix", "--source", str(DEMO)],
        "choose one company with --company: cronus_usa, fjord_cycles, harbour_ceramics",
    ),
    "an item that isn't there": (
        ["matrix", "--source", str(SMALL), "--item", "none-such"], "no value entry has item 'NONE-SUCH'",
    ),
    "a location that isn't there": (
        ["matrix", "--source", str(SMALL), "--location", "mars"], "no value entry has location 'MARS'",
    ),
    "a last day that isn't ISO": (
        ["matrix", "--source", str(SMALL), "--to", "31.12.2026"],
        "--to: '31.12.2026' is not a date; write it as 2026-12-31",
    ),
    "no company chosen to explain": (
        ["explain", "--source", str(DEMO), "--value-entry", "1"],
        "choose one company with --company: cronus_usa, fjord_cycles, harbour_ceramics",
    ),
    "an entry that isn't there": (
        ["explain", "--source", str(SMALL), "--value-entry", "99999"],
        "there is no value entry 99999. The numbers go from 1 to",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_bad_usage_is_told_and_ends_with_2(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments, message = REFUSED[case]
    told = tieout(*arguments)
    assert (told.exit_code, told.stdout) == (2, "")
    assert message in told.stderr
    assert "Traceback" not in told.stderr
    assert not (tmp_path / "tieout-out").exists()


BROKEN_CONFIGS: Mapping[str, tuple[str, str]] = {
    "an unknown key": (
        "[run]\nmaterialty = 1",
        "[run] materialty: is not known. Allowed here: as_of, known_at, roll_from, materiality, out, jobs.",
    ),
    "an unknown table": (
        "[runs]\nout = 'x'",
        "[runs]: is not known. Allowed here: source, run, switches, verdict, rules, clearing, months, "
        "evidence.",
    ),
    "text for a switch": (
        "[switches]\nexpected_cost_posting = 'yes'",
        "tieout.toml: [switches] expected_cost_posting: should be a valid boolean.",
    ),
    "not TOML": ("[run\n", "tieout.toml: is not TOML"),
    "materiality 0": ("[run]\nmateriality = 0.00", "tieout.toml: [run] materiality: must be more than 0"),
}


@pytest.mark.parametrize("case", BROKEN_CONFIGS)
def test_a_broken_config_is_told_with_its_place(case: str, tmp_path: Path) -> None:
    text, message = BROKEN_CONFIGS[case]
    (tmp_path / "tieout.toml").write_text(text)
    told = tieout("run", tmp_path / "tieout.toml")
    assert (told.exit_code, told.stdout) == (2, "")
    assert message in told.stderr


# The config file

TABLES = (
    ("source", config.Source), ("run", config.Run),
    ("switches", config.Switches), ("verdict", config.Verdict), ("clearing", config.Clearing),
)  # fmt: skip


def test_init_writes_a_config_that_says_all_and_changes_nothing(tmp_path: Path) -> None:
    told = tieout("init", tmp_path / "tieout.toml")
    text = (tmp_path / "tieout.toml").read_text()
    assert (told.exit_code, told.stdout) == (0, "")
    assert config.typed("", tomllib.loads(text) | {"source": {}}) == config.Config()
    for name, table in TABLES:
        assert f"[{name}]" in text
        assert all(f"{key} = " in text for key in table.model_fields)


def test_what_init_switches_off_is_sound_when_switched_on(tmp_path: Path) -> None:
    lines = config.TEMPLATE.splitlines()
    settings = [line.removeprefix("# ") if " = " in line else line for line in lines]
    (tmp_path / "tieout.toml").write_text("\n".join(settings))
    switched_on = config.read(tmp_path / "tieout.toml")
    assert all(
        set(getattr(switched_on, name).model_fields_set) == set(table.model_fields) for name, table in TABLES
    )


def test_init_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "tieout.toml").write_text("mine")
    told = tieout("init", tmp_path / "tieout.toml")
    assert told.exit_code == 2
    assert "exists already and is left as it is" in told.stderr
    assert (tmp_path / "tieout.toml").read_text() == "mine"


def test_flags_win_over_the_config(tmp_path: Path) -> None:
    path = tmp_path / "tieout.toml"
    path.write_text("[source]\npath = 'a'\ncompany = 'B'\n[run]\nas_of = 2026-01-31\nmateriality = 0.05\n")
    chosen = config.chosen(path, as_of="2026-02-28", out=Path("c"))
    assert (chosen.source.path, chosen.source.company) == (str(tmp_path / "a"), "B")
    assert (str(chosen.run.as_of), str(chosen.run.materiality)) == ("2026-02-28", "0.05")
    assert chosen.run.out == "c"


def test_what_a_config_says_of_clearing_reaches_the_calculation(tmp_path: Path) -> None:
    path = tmp_path / "tieout.toml"
    path.write_text(
        "[source]\npath = 'a'\n[clearing]\naccounts = { 5410 = 'goods in transit' }\n"
        "stale_after_days = { wip = 365 }\nbuckets = { 5410 = [7, 14] }\n"
    )
    settings = run.as_resource(config.assignment(config.chosen(path, materiality="1"))).settings()
    assert settings.clearing_accounts == {"5410": "goods in transit"}
    assert settings.stale_after_days == {"wip": 365}
    assert settings.age_buckets == {"5410": [7, 14]}


@pytest.mark.parametrize("days", ["[]", "[30, 14]", "[0, 7]", "30", "['7']"])
def test_age_buckets_are_rising_days(tmp_path: Path, days: str) -> None:
    path = tmp_path / "tieout.toml"
    path.write_text(f"[clearing]\nbuckets = {{ wip = {days} }}\n")
    with pytest.raises(InputError, match=r"\[clearing\] buckets.wip.* rising numbers of days"):
        config.read(path)


def test_amounts_in_a_config_are_exact(tmp_path: Path) -> None:
    path = tmp_path / "tieout.toml"
    path.write_text("[run]\nmateriality = 0.10000\n")
    assert str(config.read(path).run.materiality) == "0.10000"


# Runs


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def told(place: Path) -> Result:
    """A run of a small company, published in ``place / "out"``."""
    return tieout("run", "--source", SMALL, "--out", place / "out")


def test_a_run_tells_its_result_on_standard_output(told: Result) -> None:
    assert told.exit_code == 1
    assert told.stdout.startswith("harbour_ceramics, as of 2025-04-26: DIFFERENCES\n")
    assert "harbour_ceramics: reading the tables\n" in told.stderr


@pytest.mark.usefixtures("told")
def test_a_run_publishes_these_files(place: Path) -> None:
    tables = {f"{mart}.{ending}" for mart in MARTS for ending in ("parquet", "csv")}
    names = {path.name for path in (place / "out").iterdir()}
    others = {"summary.json", "report.html", "workpapers.xlsx", "evidence.zip", "profile.json"}
    assert names == tables | others


@pytest.mark.usefixtures("told")
def test_the_profile_tells_what_each_step_took(place: Path) -> None:
    company = place / "out"
    steps = {step["step"]: step for step in json.loads((company / "profile.json").read_text())["steps"]}
    summary = json.loads((company / "summary.json").read_text())
    tables = sum(table["rows"] for table in summary["inputs"])
    assert steps["extract"]["rows"] == tables
    assert steps["tie_outs"]["rows"] == len(summary["tie_outs"])
    for name in ("extract", "books", "tie_outs", "report"):
        assert steps[name]["peak_mb"] > 50
        assert steps[name]["cpu_seconds"] > 0
    assert steps["report"]["peak_mb"] >= steps["extract"]["peak_mb"]


def test_a_repeated_run_gives_the_same_bytes_and_json(place: Path) -> None:
    repeated = tieout("run", "--source", SMALL, "--out", place / "again", "--json")
    assert repeated.stdout == (place / "again" / "summary.json").read_text()
    first, second = (
        {path.name: path.read_bytes() for path in (place / out).iterdir() if path.name != "profile.json"}
        for out in ("out", "again")
    )
    assert first == second


def test_what_a_company_wrote_before_its_trouble_does_not_stay(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fill_the_disk(job: str, asked: Run, step: Step) -> None:
        part = asked.part()
        assert part is not None
        part.mkdir()
        (part / "tie_outs.csv").write_text("half a fi")
        raise OSError(28, "No space left on device", str(part / "tie_outs.csv"))

    monkeypatch.setattr(run, "materialized", fill_the_disk)
    troubled = tieout("run", "--source", DEMO, "--out", tmp_path / "out")
    assert troubled.exit_code == 2
    assert "tie_outs.csv: No space left on device; nothing was published" in troubled.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["summary.json"]


@pytest.mark.usefixtures("told")
def test_trouble_publishes_nothing_and_leaves_the_last_run(place: Path, tmp_path: Path) -> None:
    shutil.copytree(SMALL, tmp_path / "source")
    (tmp_path / "source" / "gl_entry.csv").write_text("entry_no\n1\n")
    troubled = tieout("run", "--source", tmp_path / "source", "--out", place / "out")
    assert (troubled.exit_code, troubled.stdout) == (2, "")
    assert "gl_entry.csv" in troubled.stderr
    assert status(place / "out") == "differences"


def test_the_trouble_of_one_company_does_not_stop_the_others(tmp_path: Path) -> None:
    for name in ("north", "south"):
        shutil.copytree(SMALL, tmp_path / "source" / name)
    (tmp_path / "source" / "north" / "gl_entry.csv").write_text("entry_no\n1\n")
    told = tieout("run", "--source", tmp_path / "source", "--out", tmp_path / "out")
    north, south = json.loads((tmp_path / "out" / "summary.json").read_text())["companies"]
    assert told.exit_code == 2
    assert "gl_entry.csv" in north.pop("trouble")
    assert north == {"company": "north", "status": "trouble", "folder": "north"}
    assert south == {"company": "south", "status": "differences", "folder": "south"}
    assert not (tmp_path / "out" / "north").exists()
    assert status(tmp_path / "out" / "south") == "differences"


def test_a_folder_that_is_not_ours_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("the only copy")
    told = tieout("run", "--source", SMALL, "--out", tmp_path)
    assert told.exit_code == 2
    assert f"{tmp_path}: has files that aren't tieout's, left as they are." in told.stderr
    assert "reading the tables" not in told.stderr


def test_check_reads_and_publishes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = tieout("check", "--source", SMALL)
    assert told.exit_code == 0
    assert "value_entry" in told.stdout
    assert list(tmp_path.iterdir()) == []


def test_check_names_what_to_mend(tmp_path: Path) -> None:
    shutil.copytree(SMALL, tmp_path / "source")
    (tmp_path / "source" / "value_entry.csv").unlink()
    told = tieout("check", "--source", tmp_path / "source")
    assert told.exit_code == 2
    assert "value_entry" in told.stderr


def test_explain_shows_rule_setup_lines_and_findings() -> None:
    told = tieout("explain", "--source", SMALL, "--account", "14500")
    assert told.exit_code == 0
    for part in ("rules hit", "lines expected", "posting_setup:", "error: unposted", "What to do:"):
        assert part in told.stdout


def test_the_matrix_of_an_item_keeps_the_ledger_side() -> None:
    told = tieout("matrix", "--source", SMALL, "--item", "clay", "--json")
    assert told.exit_code == 0
    document = json.loads(told.stdout)
    assert document["item_no"] == "CLAY"
    foot = {(row["view"], row["row"]): row["inventory"] for row in document["rows"]}
    assert ("as_bc", "G/L Total") not in foot
    assert foot["corrected", "Total"] == foot["as_bc", "Total"] != "0.00"
    assert foot["corrected", "G/L Total"] is not None


def test_the_matrix_is_a_table_for_each_view() -> None:
    told = tieout("matrix", "--source", SMALL, "--from", "2025-01-01", "--location", "")
    assert told.exit_code == 0
    assert "Inventory - G/L Reconciliation, location (blank), from 2025-01-01" in told.stdout
    assert told.stdout.count("Direct Cost Applied") == len(("as the page shows it", "corrected"))


def test_explain_finds_an_entry_by_each_of_its_names() -> None:
    told = tieout("explain", "--source", SMALL, "--value-entry", "1")
    document = told.stdout.split("document ")[1].split(" ")[0]
    by_document = tieout("explain", "--source", SMALL, "--document", document.lower())
    assert "value entry 1 " in by_document.stdout


# The web pages


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """The web pages on a free port, and their address; what is left of them is ended by its process group."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    code = "import sys; from assets.cli import main; sys.argv = ['tieout', *sys.argv[1:]]; main()"
    command = [sys.executable, "-c", code, "dev", "--port", str(port)]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    yield process, f"http://{HOST}:{port}"
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def answer(address: str, query: str) -> str:
    """What the pages answer, as soon as they are there."""
    request = Request(f"{address}/graphql?query={quote(query)}")
    for _ in range(600):
        try:
            with BROWSER.open(request, timeout=10) as page:
                return str(page.read().decode())
        except OSError:
            time.sleep(0.5)
    raise TimeoutError(address)


def test_the_web_pages_open_on_this_machine_and_end_when_told(
    server: tuple["subprocess.Popen[bytes]", str],
) -> None:
    process, address = server
    shown = answer(address, "{assetNodes {assetKey {path}}}")
    assert '"tie_outs"' in shown
    assert '"publication"' in shown
    process.terminate()
    assert process.wait(timeout=60) == 0
    with pytest.raises(OSError, match="refused"):
        BROWSER.open(address, timeout=10)


def test_a_port_in_use_is_told() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        told = tieout("dev", "--port", str(taken.getsockname()[1]))
    assert told.exit_code == 2
    assert "is in use. Choose another" in told.stderr


# Exit codes


def outcome(verdict: str) -> Outcome:
    return Outcome("A", "A", None if verdict == "trouble" else {"status": verdict})


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ("reconciled", 0),
        ("reconciled differences", 1),
        ("differences inconclusive reconciled", 3),
        ("reconciled trouble inconclusive differences", 2),
    ],
)
def test_the_worst_company_decides(verdicts: str, code: int) -> None:
    assert reconciliation.worst([outcome(verdict) for verdict in verdicts.split()]) == code


def test_an_interrupted_run_ends_with_130(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "materialized", interrupt)
    told = tieout("run", "--source", SMALL, "--out", tmp_path / "out")
    assert (told.exit_code, told.stdout) == (130, "")
    assert told.stderr.endswith("tieout: interrupted; nothing was published\n")
    assert not (tmp_path / "out").exists()


def test_a_fault_inside_is_told_without_a_traceback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(job: str, asked: Run, step: Step) -> None:
        raise ZeroDivisionError(job)

    monkeypatch.setattr(run, "materialized", fail)
    told = tieout("run", "--source", SMALL, "--out", tmp_path / "out")
    assert told.exit_code == 2
    assert "a fault inside tieout, nothing was published: ZeroDivisionError" in told.stderr
    assert "Traceback" not in told.stderr


# The text on standard output


def test_an_inconclusive_run_says_why_on_top() -> None:
    summary = {
        "company": "A", "as_of": "2026-12-31", "status": "inconclusive",
        "inconclusive_because": ["The general ledger sums to 5.00, not 0."], "tie_outs": [], "causes": {},
    }  # fmt: skip
    lines = list(console.result(summary))
    assert lines[:2] == ["A, as of 2026-12-31: INCONCLUSIVE", "  The general ledger sums to 5.00, not 0."]


def test_figures_stand_to_the_right_with_their_thousands_apart() -> None:
    lines = list(console.table(("cause", "amount>"), [("unposted", console.money("-1234567.50"))]))
    assert lines == ["  cause            amount", "  unposted  -1,234,567.50"]


def test_a_source_must_be_given() -> None:
    with pytest.raises(InputError, match="no source is given"):
        config.assignment(config.Config())


# Proposals


def test_propose_shows_tries_out_and_writes_what_would_put_the_findings_right(tmp_path: Path) -> None:
    file = tmp_path / "corrections.csv"
    told = tieout("propose", "--source", SMALL, "--simulate", "--export", file)
    assert told.exit_code == 0
    assert "harbour_ceramics, as of 2025-04-26: proposals. Nothing is posted." in told.stdout
    assert "Run Post Inventory Cost to G/L without an item filter. Simulated: gone." in told.stdout
    assert "Take the amount off the stock account. Simulated: settled." in told.stdout
    assert file.read_text().splitlines()[0].startswith("Journal Template Name,Journal Batch Name,Line No.")
    assert "4 journal lines; nothing is posted" in told.stderr


def test_propose_as_json_carries_amounts_as_text() -> None:
    told = json.loads(tieout("propose", "--source", SMALL, "--json").stdout)
    assert {row["amount"] for row in told["proposals"] if row["account_no"] == "67000"} == {"-6.25"}
    assert {row["simulated"] for row in told["proposals"]} == {False}


def test_propose_leaves_a_file_that_is_there_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "corrections.csv"
    file.write_text("mine")
    told = tieout("propose", "--source", SMALL, "--export", file)
    assert (told.exit_code, file.read_text()) == (2, "mine")
    assert "is there already" in told.stderr


def test_explain_answers_in_json_as_well() -> None:
    told = json.loads(tieout("explain", "--source", SMALL, "--order", "nothing", "--json").stdout or "{}")
    assert told == {}
    told = json.loads(tieout("explain", "--source", SMALL, "--value-entry", "9", "--json").stdout)
    assert (told["kind"], told["key"], told["value_entries"][0]["value_entry_no"]) == ("value entry", 9, 9)
