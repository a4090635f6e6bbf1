"""The extract: one company's tables as they were exported, typed.

Here: when it is read. Not here: how files are found and cells are typed (``assets.storage``).
"""

from pathlib import Path

import dagster as dg

from assets import storage
from assets.run import Run
from pipelines.sources import bc_known
from schemas import bc
from schemas.bc import Extract


@dg.asset(group_name="source", kinds={"polars"})
def extract(run: Run) -> Extract:
    """One company's tables from the source, typed, each file with its hash and sums; rows known then."""
    return bc_known.known(storage.read_company(Path(run.source), run.company), run.settings())


@dg.asset(group_name="source", kinds={"polars"})
def outline(extract: Extract) -> Extract:
    """The same without the cells of the ledgers: what the last steps ask for, a fraction of the memory."""
    return bc.outlined(extract)
