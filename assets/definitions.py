"""Everything that Dagster runs, put together: assets, checks, jobs, the schedules, companies × months.

Here: assembly only. Not here: what an asset does (``extracts``, ``books``, ``tie_outs``, ``pages``,
``partitions``), what a check looks at (``checks``, ``expectations``). ``tieout dev`` opens this module;
``tieout run`` runs its jobs.
"""

import os
from pathlib import Path

import dagster as dg

from assets import analyses, books, checks, config, expectations, extracts, pages, partitions, tie_outs
from assets.config import Assignment
from assets.run import Run, as_resource, progress
from assets.server import CONFIG

DAILY = "0 6 * * *"

RECONCILE = dg.define_asset_job(
    "reconcile",
    selection=dg.AssetSelection.all() - dg.AssetSelection.groups(partitions.GROUP),
    description="Ties the stock ledger to the general ledger and publishes the result.",
)
CHECK = dg.define_asset_job(
    "check",
    selection=dg.AssetSelection.groups("source"),
    description="Reads and validates the sources only.",
)
EXPLAIN = dg.define_asset_job(
    "explain",
    selection=dg.AssetSelection.groups("source", "tie_out", "analysis"),
    description="All figures, nothing published.",
)
PROPOSE = dg.define_asset_job(
    "propose",
    selection=dg.AssetSelection.assets("proposals").upstream(),
    description="What would put the findings right, nothing published.",
)
FORESEE = dg.define_asset_job(
    "foresee",
    selection=dg.AssetSelection.assets("differences").upstream() - dg.AssetSelection.assets("extract"),
    description="The findings of an extract that is handed over, as proposals would leave it.",
)
TEST = dg.define_asset_job(
    "test",
    selection=dg.AssetSelection.assets("post_test", "evidence").upstream(),
    description="What would stop the posting of inventory cost, nothing published.",
)


def definitions(run: Run, values: dg.IOManager | dg.IOManagerDefinition) -> dg.Definitions:
    """All of it for one run's settings; ``values`` carries what passes between assets."""
    return dg.Definitions(
        assets=dg.load_assets_from_modules([extracts, books, tie_outs, analyses, pages]),
        asset_checks=dg.load_asset_checks_from_modules([checks, expectations]),
        jobs=[RECONCILE, CHECK, EXPLAIN, PROPOSE, FORESEE, TEST],
        schedules=[dg.ScheduleDefinition(name="daily", job=RECONCILE, cron_schedule=DAILY)],
        resources={"run": run, "io_manager": values},
        loggers={"progress": progress, "console": dg.colored_console_logger},
        executor=dg.in_process_executor,
    )


def configured() -> Assignment | None:
    """What the web UI starts from: the config file that it was opened with, where there was one."""
    path = os.environ.get(CONFIG)
    return None if path is None else config.assignment(config.read(Path(path)))


@dg.definitions
def defs() -> dg.Definitions:
    """What ``tieout dev`` shows; values are kept on disk there, so that one asset can be run by itself."""
    assignment = configured()
    run = Run() if assignment is None else as_resource(assignment)
    return dg.Definitions.merge(definitions(run, dg.fs_io_manager), partitions.definitions(run, assignment))
