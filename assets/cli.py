"""The command line: ``tieout demo``, ``run``, ``check``, ``explain``, ``matrix``, ``diff`` and so on.

Here: options, messages, exit codes. Not here: what a run does (``assets.definitions``) and says on the way
(``assets.progress``). Anything heavy is imported inside its command, so that ``tieout --help`` is quick.

Standard output carries results only; progress and messages go to standard error.
"""

import io
import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, NoReturn, ParamSpec

import typer

from assets import console
from assets.evidence import commands
from schemas.faults import InputError

Given = ParamSpec("Given")
TROUBLE = 2
INTERRUPTED = 130

app = typer.Typer(
    name="tieout",
    help="Ties a company's stock ledger to its general ledger and names every difference.\n\n"
    "Exit codes: 0 reconciled, 1 differences, 2 trouble (bad usage or bad input), 3 inconclusive, "
    "130 interrupted.\n\n"
    "Example: tieout run --source exports --as-of 2026-12-31",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ConfigFile = Annotated[
    Path | None,
    typer.Argument(metavar="CONFIG", help="A TOML file; tieout init writes one.", show_default=False),
]
Source = Annotated[
    Path | None, typer.Option("--source", metavar="DIR", help="The folder with the exported tables.")
]
Company = Annotated[
    str | None, typer.Option("--company", metavar="NAME", help="One company of a source that holds several.")
]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DATE", help="The last posting date that counts, such as 2026-12-31."),
]
KnownAt = Annotated[
    str | None,
    typer.Option(
        "--known-at",
        metavar="TIMESTAMP",
        help="Only what was entered by then, such as 2027-01-08T17:30:00Z (UTC), or a day for its end.",
    ),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="DATE",
        help="The first day of the roll-forward; that of as-of's month if not given.",
    ),
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Where the results go; tieout-out if not given.")
]
Materiality = Annotated[
    str | None,
    typer.Option(
        "--materiality", metavar="AMOUNT", help="Smaller differences don't count; 0.01 if not given."
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs", metavar="N", min=1, help="Companies run at one time; half the processors if not given."
    ),
]
WithInputs = Annotated[
    bool | None,
    typer.Option(
        "--with-inputs", help="Put the exported files into the evidence pack, to recompute it from the pack."
    ),
]
SignKey = Annotated[
    Path | None,
    typer.Option(
        "--sign-key",
        metavar="FILE",
        envvar="TIEOUT_SIGN_KEY",
        help="Sign the evidence pack with this Ed25519 private key (PEM, readable by you alone).",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")]


def command(body: Callable[Given, int]) -> Callable[Given, None]:
    """A command that ends with the body's exit code; a fault becomes a message and a code."""

    @wraps(body)
    def run(*args: Given.args, **options: Given.kwargs) -> None:
        raise typer.Exit(status(lambda: body(*args, **options)))

    return run


def status(body: Callable[[], int]) -> int:
    try:
        return body()
    except KeyboardInterrupt as told:
        console.say(f"tieout: interrupted; {str(told) or 'nothing was published'}")
        return INTERRUPTED
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - nobody reads on; Python flushes at the end
    except Exception as fault:
        console.say(f"tieout: {console.trouble(fault)}")
    return TROUBLE


@app.command()
@command
def demo(
    out: Out = None,
    jobs: Jobs = None,
    json: Json = False,
) -> int:
    """Runs the main job on the companies that ship with tieout; needs nothing else.

    Example: tieout demo --out demo
    """
    from assets import config, reconciliation

    chosen = config.with_flags(config.Config(), source=reconciliation.demo_companies(), out=out, jobs=jobs)
    return reconciliation.reconciled(config.assignment(chosen), as_json=json)


@app.command()
@command
def run(
    config_file: ConfigFile = None,
    source: Source = None,
    company: Company = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    roll_from: From = None,
    out: Out = None,
    materiality: Materiality = None,
    jobs: Jobs = None,
    with_inputs: WithInputs = None,
    sign_key: SignKey = None,
    json: Json = False,
) -> int:
    """Ties the stock ledger to the general ledger and publishes the result. Flags win over the config file.

    Example: tieout run --source exports --as-of 2026-12-31 --out results
    """
    from assets import config, reconciliation

    chosen = config.chosen(
        config_file,
        source,
        company,
        as_of,
        out,
        materiality,
        known_at=known_at,
        roll_from=roll_from,
        jobs=jobs,
        inputs=with_inputs,
        sign_key=sign_key,
    )
    return reconciliation.reconciled(config.assignment(chosen), as_json=json)


@app.command()
@command
def months(
    config_file: ConfigFile = None,
    source: Source = None,
    company: Company = None,
    first: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="MONTH", help="The first month; the last one that is over if not given."
        ),
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="MONTH", help="The last month; the first if not given.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Where the results go; tieout-months if not given."),
    ] = None,
    materiality: Materiality = None,
    executor: Annotated[
        str | None,
        typer.Option(
            "--executor",
            metavar="NAME",
            help="What does the work: in_process if not given, multiprocess, dask, celery, k8s.",
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Ties out each company as of each month's end, also on several machines; a folder a month and company.

    Example: tieout months --source exports --from 2026-01 --to 2026-06 --executor multiprocess
    """
    from assets import config
    from assets import months as closing

    flags = {"out": None if out is None else str(out), "executor": executor}
    chosen = config.chosen(config_file, source, company, materiality=materiality, months=flags)
    return closing.tied_out(config.assignment(chosen), first, last, as_json=json)


@app.command()
@command
def check(
    config_file: ConfigFile = None,
    source: Source = None,
    company: Company = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    json: Json = False,
) -> int:
    """Reads and validates the sources only. Exit code 0: they can be run; 2: the message says what to mend.

    Example: tieout check --source exports
    """
    from assets import config, reconciliation

    chosen = config.chosen(config_file, source, company, as_of, known_at=known_at)
    return reconciliation.checked(config.assignment(chosen), as_json=json)


@app.command()
@command
def explain(
    config_file: ConfigFile = None,
    source: Source = None,
    company: Company = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    materiality: Materiality = None,
    value_entry: Annotated[
        int | None, typer.Option("--value-entry", metavar="N", help="A value entry, by its number.")
    ] = None,
    gl_entry: Annotated[
        int | None, typer.Option("--gl-entry", metavar="N", help="A G/L entry, by its number.")
    ] = None,
    account: Annotated[
        str | None,
        typer.Option("--account", metavar="NO", help="All that was expected or posted on an account."),
    ] = None,
    document: Annotated[
        str | None, typer.Option("--document", metavar="NO", help="All entries of a document.")
    ] = None,
    order: Annotated[
        str | None, typer.Option("--order", metavar="NO", help="All entries of an order.")
    ] = None,
    finding: Annotated[
        str | None, typer.Option("--finding", metavar="ID", help="All that a finding touches.")
    ] = None,
    json: Json = False,
) -> int:
    """Shows why: the rule hit, the setup rows used, the expected lines, the actual lines, the findings.

    Example: tieout explain --source exports --value-entry 1042
    """
    from assets import config, reconciliation

    wanted = {
        "value entry": value_entry,
        "G/L entry": gl_entry,
        "account": account,
        "document": document,
        "order": order,
        "finding": finding,
    }
    named = {kind: key for kind, key in wanted.items() if key is not None}
    if len(named) != 1:
        raise InputError(
            "name one thing to explain: --value-entry N, --gl-entry N, --account NO, --document NO, "
            "--order NO or --finding ID"
        )
    chosen = config.chosen(config_file, source, company, as_of, materiality=materiality, known_at=known_at)
    kind, key = next(iter(named.items()))
    return reconciliation.explained(config.assignment(chosen), kind, key, as_json=json)


@app.command()
@command
def propose(
    config_file: ConfigFile = None,
    source: Source = None,
    company: Company = None,
    as_of: AsOf = None,
    materiality: Materiality = None,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Apply all of it to the tables in memory and tie out again.")
    ] = False,
    export: Annotated[
        Path | None,
        typer.Option("--export", metavar="FILE", help="Write the journals for the general journal's import."),
    ] = None,
    template: Annotated[
        str, typer.Option("--template", metavar="NAME", help="The journal template of the file.")
    ] = "GENERAL",
    batch: Annotated[
        str, typer.Option("--batch", metavar="NAME", help="The journal batch of the file.")
    ] = "DEFAULT",
    json: Json = False,
) -> int:
    """Shows what would put the findings right: jobs, setup fields, balanced journals. Posts nothing.

    Example: tieout propose --source exports --simulate --export corrections.csv
    """
    from assets import config, proposing

    chosen = config.chosen(config_file, source, company, as_of, materiality=materiality)
    return proposing.proposed(config.assignment(chosen), simulate, export, (template, batch), as_json=json)


@app.command(name="post-test")
@command
def post_test(
    config_file: ConfigFile = None,
    source: Source = None,
    company: Company = None,
    as_of: AsOf = None,
    method: Annotated[
        str, typer.Option("--method", metavar="METHOD", help="per-entry or per-group (posting group).")
    ] = "per-entry",
    document_no: Annotated[
        str, typer.Option("--document-no", metavar="NO", help="The document no. of a run per posting group.")
    ] = "",
    template: Annotated[
        str,
        typer.Option("--template", metavar="NAME", help="The journal template, where they are mandatory."),
    ] = "",
    batch: Annotated[
        str, typer.Option("--batch", metavar="NAME", help="The journal batch, where templates are mandatory.")
    ] = "",
    user: Annotated[
        str, typer.Option("--user", metavar="ID", help="Whose range of posting dates counts.")
    ] = "",
    json: Json = False,
) -> int:
    """Lists what would stop Post Inventory Cost to G/L, or be skipped by it, for everything not yet posted.

    Exit code 0: nothing would stop; 1: messages; 2: trouble.

    Example: tieout post-test --source exports --method per-group --document-no COST-07
    """
    from assets import config
    from assets import post_test as test
    from schemas.limits import Request

    chosen = config.chosen(config_file, source, company, as_of)
    request = Request(method, document_no, template.upper(), batch.upper(), user)
    return test.outcome(config.assignment(chosen), request, as_json=json)


@app.command()
@command
def matrix(
    config_file: ConfigFile = None,
    source: Source = None,
    company: Company = None,
    as_of: AsOf = None,
    item: Annotated[str | None, typer.Option("--item", metavar="NO", help="Only this item.")] = None,
    location: Annotated[
        str | None,
        typer.Option("--location", metavar="CODE", help="Only this location; '' is the blank one."),
    ] = None,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="Only from this posting date on.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Only up to this posting date.")
    ] = None,
    json: Json = False,
) -> int:
    """Shows the ERP's own page Inventory - G/L Reconciliation: as it shows itself, and corrected.

    Of an item, a location or a span of dates the corrected page keeps the G/L side.

    Example: tieout matrix --source exports --item 1000 --location EAST --from 2026-01-01
    """
    from assets import config, matrix_page

    chosen = config.chosen(config_file, source, company, as_of)
    part = matrix_page.excerpt(item, location, first, last)
    return matrix_page.shown(config.assignment(chosen), part, as_json=json)


@app.command()
@command
def diff(
    before: Annotated[Path, typer.Argument(metavar="RUN1", help="The folder of the earlier run.")],
    after: Annotated[Path, typer.Argument(metavar="RUN2", help="The folder of the later run.")],
    json: Annotated[bool, typer.Option("--json", help="Print every change as JSON.")] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write every change to a file (.csv or .parquet)."),
    ] = None,
) -> int:
    """Names what changed between two runs, line by line. Exit code 0: nothing; 1: something; 2: trouble.

    Example: tieout diff january january-again --out changes.csv
    """
    from assets import comparison

    return comparison.compared(before, after, as_json=json, out=out)


@app.command()
@command
def opening(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a signed run.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="The file to write; put it beside the next exports.")
    ] = Path("opening_balance.csv"),
) -> int:
    """Writes the closing figures of a run as opening balances, so that later exports may begin there.

    Example: tieout opening results --out exports/opening_balance.csv
    """
    from assets import comparison

    return comparison.carried_over(run, out)


@app.command()
@command
def init(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")] = Path("tieout.toml"),
) -> int:
    """Writes a configuration with every key explained. Never overwrites a file.

    Example: tieout init
    """
    from assets import config

    config.write_template(file)
    console.say(f"{file} is written; set [source] path in it, then: tieout run {file}")
    return 0


@app.command()
@command
def dev(
    config_file: ConfigFile = None,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="The port on this machine.")] = 3000,
) -> int:
    """Opens Dagster's web pages over the same assets, on this machine only. Ctrl-C ends it.

    Example: tieout dev tieout.toml --port 3000
    """
    from assets import server

    return server.served(config_file, port)


app.add_typer(commands.group(command), name="evidence")


def main() -> NoReturn:
    """What the command ``tieout`` runs."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the terminal can't spell must not end a run
            stream.reconfigure(errors="backslashreplace")
    app()
    raise AssertionError("typer ends the program itself")
