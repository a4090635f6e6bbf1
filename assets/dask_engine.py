"""Dask by dagster-dask's executor, with a task's name made the run's own.

dagster-dask names a task after job and step. Dask takes two tasks of one name for the same, so of two runs at
one time on one cluster the second would get the events of the first, do nothing and be told a success.

Here: that name. Not here: when dask is chosen (``engines``); nothing else may import this module.
"""

from collections.abc import Iterator, Mapping
from copy import copy
from typing import Any, cast

import dagster as dg
from dagster import DagsterEvent
from dagster._core.execution.context.system import PlanOrchestrationContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster_dask import dask_executor
from dagster_dask.executor import DaskExecutor


class InRun(PlanOrchestrationContext):
    """A run's context whose job bears the run's number; dagster-dask asks it for nothing but task names."""

    @property
    def job_name(self) -> str:
        return f"{super().job_name}.{self.run_id}"


class OneRunsTasks(DaskExecutor):
    """dagster-dask's executor, each run's tasks under names of their own."""

    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[DagsterEvent]:
        named = copy(plan_context)
        named.__class__ = InRun
        yield from super().execute(named, execution_plan)


@dg.executor(
    name="dask",
    requirements=dg.multiple_process_executor_requirements(),
    config_schema=dask_executor.config_schema.as_field(),
)
def dask(context: dg.InitExecutorContext) -> OneRunsTasks:
    """Steps on a dask cluster: an existing one, a local one, or one that a batch system starts."""
    cluster = cast(Mapping[str, Any], context.executor_config["cluster"])
    ((kind, settings),) = cluster.items()
    return OneRunsTasks(kind, settings)  # type: ignore[no-untyped-call]
