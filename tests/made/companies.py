"""The made companies by name, with or without their faults."""

from pathlib import Path

from tests.made import fjord, harbour
from tests.made.faults import fjord_hooks, shared_roles
from tests.made.ledger import Ledger
from tests.made.truth import Truth
from tests.made.write import write_company


def fjord_cycles(clean: bool = False, method: str = "mixed") -> tuple[Ledger, Truth]:
    truth = Truth()
    company = fjord.build(method) if clean else fjord.build(method, fjord_hooks(truth, method))
    if clean:
        shared_roles(truth)
    fjord.natural_findings(company, truth)
    return company, truth


def harbour_ceramics(clean: bool = False, method: str = "mixed") -> tuple[Ledger, Truth]:
    truth = Truth()
    company = harbour.build(method, None if clean else truth)
    harbour.natural_findings(company, truth)
    shared_roles(truth)
    return company, truth


COMPANIES = {"fjord_cycles": fjord_cycles, "harbour_ceramics": harbour_ceramics}


def write(out: Path, clean: bool = False, method: str = "mixed", truth: Path | None = None) -> None:
    """Every company into a folder of its name; the truth, where wanted, beside the generator."""
    for name, made in COMPANIES.items():
        company, found = made(clean, method)
        write_company(company, out / name)
        if truth:
            found.write(truth / f"{name}{'_clean' if clean else ''}.csv")
