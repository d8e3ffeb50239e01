"""Write docs/emulator-coverage.md: operation by operation, what the embedded AWS does, passes to moto, and refuses.

    python tools/make_coverage.py

Run it when an operation is added, or moto's version changes. A test compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from flytekitplugins_smfs.emulator import refusals, services
from flytekitplugins_smfs.emulator.models import service_model
from flytekitplugins_smfs.emulator.registry import Service

DOCUMENT = Path(__file__).parents[1] / "docs" / "emulator-coverage.md"
PASSED = ("ec2", "ecr", "iam", "kms", "secretsmanager", "service-quotas")
"""Services that moto answers and that jobs, their networks and their roles need, by botocore's names."""
WIDTH = 116
HEAD = """\
# What the embedded AWS answers

Written by `python tools/make_coverage.py`; a test compares. *Done* is done here, with AWS's rules. *Passed* goes to
[moto](https://docs.getmoto.org), which keeps the records and does no work. *Refused* is answered
`NotImplementedByEmulator`, with the operation's name. S3 is a store of its own and not listed here; what it refuses it
answers with S3's `NotImplemented`.
"""


def wrapped(names: Iterable[str]) -> str:
    """Names in lines of a bounded width."""
    lines = [""]
    for name in sorted(names):
        if len(lines[-1]) + len(name) + 2 > WIDTH:
            lines.append("")
        lines[-1] += f"{name}, "
    return "\n".join(line.rstrip() for line in lines).rstrip(",")


def parts(title: str, kinds: dict[str, set[str]]) -> Iterator[str]:
    """The section of a service."""
    yield f"## {title}\n"
    for kind, names in kinds.items():
        if names:
            yield f"{kind} ({len(names)}): {wrapped(names)}\n" if len(names) < 4 else f"{kind} ({len(names)}):\n"
            if len(names) >= 4:
                yield f"{wrapped(names)}\n"


def own(service: Service) -> tuple[str, dict[str, set[str]]]:
    """What a service of this package does and refuses."""
    names = set(service.model.operation_names)
    left = {name for name in names if refusals.own(service, name) is not None}
    moto = left & set(refusals.moto_operations(service.name) or ()) if service.shared else set()
    return service.name, {"Done": names - left, "Passed": moto, "Refused": left - moto}


def passed(name: str) -> tuple[str, dict[str, set[str]]]:
    """What of a service goes to moto."""
    known = set(refusals.moto_operations(name) or ())
    return name, {"Passed": known, "Refused": set(service_model(name).operation_names) - known}


def declared(found: Iterable[Service]) -> Iterator[str]:
    """What services say of themselves besides their operations."""
    yield "## What else services declare\n"
    for service in found:
        told = {
            "mounts": sorted(service.mounts),
            "metrics": sorted(service.metrics),
            "faults": [f'{one.name} "{one.value}"' for one in service.misfortunes],
            "client tokens": [f"{service.tokens.member}, {service.tokens.seconds:.0f} s"] if service.tokens else [],
        }
        if any(told.values()):
            text = "; ".join(f"{kind}: {', '.join(values)}" for kind, values in told.items() if values)
            yield f"- {service.name}: {text}"


def document() -> str:
    """The whole page."""
    found = [service for _, service in sorted(services.load().items())]
    known = {service.name for service in found}
    sections = [*map(own, found), *(passed(name) for name in PASSED if name not in known)]
    rows = [
        f"| {name} | {len(kinds.get('Done', ()))} | {len(kinds.get('Passed', ()))} | {len(kinds['Refused'])} |"
        for name, kinds in sections
    ]
    table = ["| service | done | passed | refused |", "|---|---|---|---|", *rows, ""]
    others = [
        "Other services go to moto as they are. Those that need a Python package which is not installed are refused",
        "with its name; so are those of whose work moto invents the results:",
        f"{wrapped(refusals.INVENTED)}.\n",
    ]
    body = [line for name, kinds in sections for line in parts(name, kinds)]
    return "\n".join([HEAD, *table, *others, *body, *declared(found)]) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(document())
