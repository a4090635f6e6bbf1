"""What runs the steps of a job: this process, processes beside it, or an engine on other machines.

Here: executors by the name that the config gives them. Nothing of an engine is imported unless it is chosen.
Not here: what a step does (``partitions``), what dagster-dask needs besides (``dask_engine``).
"""

import json
from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import dagster as dg

from schemas.faults import InputError


class Engine(NamedTuple):
    """Where an executor is found, what has to be installed for it, and its config where none is given."""

    place: str
    needs: str
    config: Mapping[str, Any] = {}


IN_PROCESS = "in_process"
ENGINES: Mapping[str, Engine] = {
    IN_PROCESS: Engine("dagster:in_process_executor", "dagster"),
    "multiprocess": Engine("dagster:multiprocess_executor", "dagster"),
    "dask": Engine("assets.dask_engine:dask", "tieout[dask]", {"cluster": {"local": {}}}),
    "celery": Engine("dagster_celery:celery_executor", "tieout[celery]"),
    "k8s": Engine("dagster_k8s:k8s_job_executor", "tieout[k8s]"),
}


def executor(name: str, config: Mapping[str, Any] | None = None) -> dg.ExecutorDefinition:
    """The executor of that name with its config, which Dagster looks at when a run starts."""
    if name not in ENGINES:
        raise InputError(f"[months] executor: {name!r} is not known. Choose one of: {', '.join(ENGINES)}.")
    engine = ENGINES[name]
    module, attribute = engine.place.split(":")
    try:
        found: dg.ExecutorDefinition = getattr(import_module(module), attribute)
    except ModuleNotFoundError as fault:
        raise InputError(
            f"[months] executor: {name!r} needs a package that isn't installed ({fault.name}). "
            f"Install it: pip install '{engine.needs}'."
        ) from None
    wanted = plain(config or engine.config)
    return found.configured(wanted, name=name) if wanted else found


def plain(config: Mapping[str, Any]) -> Any:
    """The config with the numbers that Dagster knows: decimals of the TOML file become floats."""
    return json.loads(json.dumps(config, default=float))
