"""Changes the code of the steps and the cells of the rule tables on purpose: a page must turn red each time.

    .venv/bin/uv pip install mutmut==3.8.1
    .venv/bin/python tests/mutate_steps.py [--module expect …] [--table causes …] [--sample N] [--seconds S]
    .venv/bin/python tests/mutate_steps.py --again OUTPUT   what a former run left unnoticed, once more

The changes to code are those of mutmut (operators, numbers, texts, arguments, assignments …); a cell of a
rule table is replaced by another value of its column or emptied, or its row is taken out. Without
``--module`` and ``--table`` every step and table of ``TARGETS`` is changed; tables need no mutmut. All runs
in one warm process: the changed step is run on what a page gives it, and only where something else comes
out are the steps after it run again. Prints what no page notices; the exit status is 1 where that is more
than one change in twenty.
"""

import argparse
import contextlib
import importlib
import inspect
import os
import random
import re
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("POLARS_MAX_THREADS", "1")  # pages are small: threads would only wait for each other
sys.path.insert(0, str(Path(__file__).parent.parent))

import polars as pl

from pipelines import rules
from tests import page, test_canaries
from tests.chain import STEPS, Chain
from tests.small_books import rolled

Step = Callable[..., Any]

#: What a page calls a noun that has another name among the steps.
TOLD_BY = {
    "findings": "differences", "tie-outs": "tie_outs", "causes": "summary", "verdict": "summary",
    "warnings": "summary", "checks off": "summary",
}  # fmt: skip

#: The steps that are to be changed by default, and how much of it has to be noticed.
TARGETS = ("expect", "resolve", "reconcile", "compare", "explain_lines", "explain_ledger", "explain", "age")
LEAST_SHARE_NOTICED = 0.95
SECONDS_A_PAGE = 20

#: Columns of rule tables that steer nothing: labels, names, sources and advice, only printed or numbered by.
WORDS = {"source", "drift", "bc_name", "export", "loses", "stock_check", "remedy"}


class Change(NamedTuple):
    """One change: what it is called, and the steps or tables that it puts in the place of others."""

    name: str
    steps: Mapping[str, Step] = {}
    given: Mapping[str, pl.DataFrame] = {}


class Case:
    """A page with all that its steps compute when nothing is changed, in the order of the steps."""

    def __init__(self, told: page.Page, **given: Any) -> None:
        self.page = told
        self.given = given

    @cached_property
    def known(self) -> Mapping[str, Any]:
        """The nouns of the page; a page that isn't green to begin with notices nothing, and is told."""
        chain = Chain(self.page, **self.given)
        if next(chain.mismatches(), None):
            print(f"  red without any change: {self.page.path}")
            return {}
        return chain.known

    @cached_property
    def behind(self) -> frozenset[str]:
        """All nouns that the page's expectations rest on."""
        expected = (TOLD_BY.get(table.noun, page.snake(table.noun)) for table in self.page.expected)
        return frozenset().union(*(_behind(noun) for noun in expected))


@cache
def _behind(noun: str) -> frozenset[str]:
    step = _step(noun)
    needs = inspect.signature(step).parameters if step else ()
    return frozenset({noun}).union(*(_behind(need) for need in needs))


def cases() -> list[Case]:
    """Every page, the short ones first, and each torn extract with what the verdict says of it."""
    found = [Case(page.read(path)) for path in page.paths()]
    short = sorted(found, key=lambda case: sum(len(table.rows) for table in case.page.given.values()))
    return [*short, *map(_torn, test_canaries.EVIDENCE)]


def _torn(check: str) -> Case:
    told = {"status": "inconclusive", "because_mentions": test_canaries.SAYS[check]}
    verdict = page.Table("verdict", 0, tuple(told), (told,))
    extract = test_canaries.EVIDENCE[check](rolled(test_canaries.SEED))
    return Case(page.Page(Path(check), check, {}, {}, (verdict,)), extract=extract)


def is_noticed(change: Change, using: list[Case]) -> bool:
    """Whether a page turns red; that page is tried first the next time."""
    concerned = {*change.steps, *change.given}
    for place, case in enumerate(using):
        if concerned & case.behind and _is_red(case, change):
            using.insert(0, using.pop(place))
            return True
    return False


def _is_red(case: Case, change: Change) -> bool:
    """Whether the page differs once the steps behind the change have run again; a step that stops is red."""
    unchanged = case.known
    try:
        with _limited():
            known = _again(unchanged, change)
            return known is not None and next(Chain(case.page, **known).mismatches(), None) is not None
    except BaseException as stopped:  # a panic of Polars isn't an Exception
        if isinstance(stopped, KeyboardInterrupt):
            raise
        return True


def _again(unchanged: Mapping[str, Any], change: Change) -> dict[str, Any] | None:
    """What the steps compute under the change, None where it is what they computed before."""
    known = {**unchanged, **{name: table for name, table in change.given.items() if name in unchanged}}
    touched, before = set(change.given), set[str]()
    for noun in unchanged:
        step = change.steps.get(noun) or _step(noun)
        before.add(noun)
        if step is None or noun in change.given:
            continue
        named = inspect.signature(step).parameters.values()
        needs = [p.name for p in named if p.default is p.empty or p.name in before]
        if noun in change.steps or touched.intersection(needs):
            known[noun] = step(**{need: known[need] for need in needs})
            if not _same(known[noun], unchanged[noun]):
                touched.add(noun)
    return known if touched.intersection(unchanged) else None


def _step(noun: str) -> Step | None:
    if noun not in STEPS:
        return None
    module, function = STEPS[noun].split(":")
    step: Step = getattr(importlib.import_module(module), function)
    return step


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, pl.LazyFrame):
        return _same(one.collect(), other.collect())
    if isinstance(one, pl.DataFrame):
        return isinstance(other, pl.DataFrame) and one.schema == other.schema and _same_rows(one, other)
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return bool(one == other)


def _same_rows(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    """In whatever order: pages don't tell it, and running all later steps for it takes most of the time."""
    if one.equals(other) or one.height != other.height:
        return one.height == other.height
    plain = [name for name, dtype in one.schema.items() if not dtype.is_nested()]
    return one.sort(plain, maintain_order=True).equals(other.sort(plain, maintain_order=True))


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    """Ends what runs too long, and keeps what Polars says of a panic to itself."""
    error_channel, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    signal.setitimer(signal.ITIMER_REAL, SECONDS_A_PAGE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        os.dup2(error_channel, 2)
        os.close(error_channel)
        os.close(nowhere)


# The changes


def of_module(name: str) -> Iterator[Change]:
    """mutmut's changes to a step, one at a time, but those that Python can't even load."""
    path = f"pipelines.{name}"
    functions = {noun: step.split(":")[1] for noun, step in STEPS.items() if step.startswith(f"{path}:")}
    for line, before, after, source in _mutants(inspect.getsource(importlib.import_module(path))):
        names: dict[str, Any] = {"__name__": path, "__package__": "pipelines"}
        with contextlib.suppress(Exception):
            exec(compile(source, "changed", "exec"), names)
            steps = {noun: names[function] for noun, function in functions.items()}
            yield Change(f"{name}.py:{line}: {before} -> {after}", steps)


def of_table(noun: str) -> Iterator[Change]:
    """Each cell as another value of its column and as nothing, and each row taken out."""
    table = getattr(rules, STEPS[noun].split(":")[1])()
    steering = [c for c in table.columns if c not in WORDS]
    for row in range(table.height):
        label = f"{noun}: {' / '.join(str(v) for v in table.row(row)[:3])}"
        rest = pl.concat([table[:row], table[row + 1 :]])
        yield Change(f"{label}: row taken out", given={noun: rest})
        for column in steering:
            value = table[column][row]
            for other in _others(table[column], value):
                changed = table.with_columns(
                    pl.when(pl.int_range(pl.len()) == row)
                    .then(pl.lit(other, table.schema[column]))
                    .otherwise(pl.col(column))
                    .alias(column)
                )
                yield Change(f"{label}: {column}: {value} -> {other}", given={noun: changed})


def _others(column: pl.Series, value: Any) -> list[Any]:
    """The next other value of the column, and nothing."""
    values = column.unique(maintain_order=True).to_list()
    place = values.index(value)
    following = [v for v in [*values[place + 1 :], *values[:place]] if v not in (value, "")]
    empty = [""] if column.dtype == pl.String and value != "" else []
    return following[:1] + empty


def _mutants(text: str) -> Iterator[tuple[int, str, str, str]]:
    """Line, old and new text and the whole source of each change of mutmut's."""
    cst = importlib.import_module("libcst")
    metadata = importlib.import_module("libcst.metadata")
    visitor = importlib.import_module("mutmut.mutation.file_mutation").MutationVisitor
    operators = importlib.import_module("mutmut.mutation.mutators").mutation_operators
    ignored = importlib.import_module("mutmut.mutation.pragma_handling").IgnoredCode
    wrapper = metadata.MetadataWrapper(cst.parse_module(text))
    found = visitor(operators, ignored(set(), set(), set()))
    module = wrapper.visit(found)
    spans = wrapper.resolve(metadata.PositionProvider)
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    for mutation in found.mutations:
        span = spans.get(mutation.original_node)
        after = module.code_for_node(mutation.mutated_node)
        if span is None:  # an operator word of its own: rare
            source = module.deep_replace(mutation.original_node, mutation.mutated_node).code
            yield 0, module.code_for_node(mutation.original_node), after, source
            continue
        start = starts[span.start.line - 1] + span.start.column
        end = starts[span.end.line - 1] + span.end.column
        before = text[start:end]
        yield span.start.line, *_told(before, after), text[:start] + after + text[end:]


def _told(before: str, after: str) -> tuple[str, str]:
    """The two texts on one line each, without what they share at both ends."""
    one, other = " ".join(before.split()), " ".join(after.split())
    start = len(os.path.commonprefix([one, other]))
    end = len(os.path.commonprefix([one[start:][::-1], other[start:][::-1]]))
    start = max(0, start - 24)
    end = max(0, end - 12)
    return one[start : len(one) - end], other[start : len(other) - end]


def tables() -> list[str]:
    """The nouns of the rule tables that the steps are given; ``mutate_rules`` changes the posting rules, and
    ``docs/causes.md`` holds two tables word by word.
    """
    elsewhere = ("posting_rules", "rule_changes", "proposal_rules", "matrix_warnings")
    return [
        noun for noun, step in STEPS.items() if step.startswith("pipelines.rules:") and noun not in elsewhere
    ]


def run(changes: Iterable[Change], known: Sequence[Case], until: float) -> tuple[int, list[str]]:
    """How many changes were made, and the names of those that no page noticed."""
    made, unnoticed, using = 0, [], list(known)
    for change in changes:
        if time.monotonic() > until:
            break
        made += 1
        if not is_noticed(change, using):
            unnoticed.append(change.name)
            print(f"  {change.name}", flush=True)
    return made, unnoticed


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGALRM, _stop)
    known = cases()
    until = time.monotonic() + options.seconds
    targets = {**dict.fromkeys(options.module, of_module), **dict.fromkeys(options.table, of_table)}
    if not targets:
        targets = {**dict.fromkeys(TARGETS, of_module), **dict.fromkeys(tables(), of_table)}
    made = left = 0
    for name, changes_of in targets.items():
        changes = list(changes_of(name))
        if options.again:
            listed = {_unnumbered(line) for line in options.again.read_text().splitlines()}
            changes = [change for change in changes if _unnumbered(change.name) in listed]
        if options.sample:
            changes = random.Random(options.seed).sample(changes, min(options.sample, len(changes)))
        print(f"{name}: {len(changes)} changes", flush=True)
        count, unnoticed = run(changes, known, until)
        made, left = made + count, left + len(unnoticed)
        if count:
            print(f"{name}: {count - len(unnoticed)} of {count} noticed ({1 - len(unnoticed) / count:.1%})")
    return 1 if left > made * (1 - LEAST_SHARE_NOTICED) else 0


def _unnumbered(name: str) -> str:
    """A change's name without its line, which moves."""
    return re.sub(r"(\.py):\d+", r"\1", name.strip())


def _stop(*_: object) -> None:
    raise TimeoutError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--module", action="append", default=[], help="a step's module, without .py")
    parser.add_argument("--table", action="append", default=[], help="a rule table, by its noun")
    parser.add_argument("--sample", type=int, default=0, help="so many changes of each, drawn by lot")
    parser.add_argument("--again", type=Path, help="only what the output of a former run lists as unnoticed")
    parser.add_argument("--seed", type=int, default=0, help="for the lot")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after this time")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
