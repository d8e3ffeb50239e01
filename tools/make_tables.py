"""Write the tables of the documents that are read from declarations.

    python tools/make_tables.py

A document says `<!-- table: NAME -->` where a table begins and `<!-- end -->` where it ends; what is between them is
written by this. Run it when an operation, a built-in algorithm or an error changes. A test compares.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from flytekitplugins_smfs.cli.cluster.commands import task_types as kinds
from flytekitplugins_smfs.cli.cluster.commands import written
from flytekitplugins_smfs.cli.cluster.config import Choices, propeller
from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.operations.sagemaker.images import algorithms
from flytekitplugins_smfs.values import errors

ROOT = Path(__file__).parents[1]
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
MARKED = re.compile(r"<!-- table: (?P<name>.+?) -->\n(?P<text>.*?)<!-- end -->", re.DOTALL)


def operations() -> str:
    """What each operation takes, gives and does."""
    rows = (
        (f"`{verb.name}`", verb.tasks, verb.takes, verb.gives, verb.does) for _, verb in catalog.OPERATIONS.values()
    )
    return table(("operation", "task", "takes", "gives", "in AWS"), rows)


def actions() -> str:
    """The IAM actions of each operation."""
    rows = (
        (f"`{verb.name}`", ", ".join(f"`{call}`" for call in sorted(set(verb.calls))) or "-")
        for _, verb in catalog.OPERATIONS.values()
    )
    return table(("operation", "IAM actions"), rows)


def task_types() -> str:
    """flytepropeller's configuration, with every task type."""
    told = propeller(kinds(), Choices(environment={"FLYTE_SMFS_REGION": "us-east-1"}))
    return f"```yaml\n{written(told)}```\n"


def built_in_algorithms() -> str:
    """The built-in algorithms and their versions."""
    rows = ((f"`{name}`", ", ".join(versions)) for name, versions in algorithms().items())
    return table(("algorithm", "versions"), rows)


def error_tree() -> str:
    """The tree of errors, as its module draws it."""
    drawn = (errors.__doc__ or "").partition("\n\n")[2].strip("\n")
    return f"```\n{drawn}\n```\n"


def retries() -> str:
    """Which errors another attempt is made after, and what to do about each."""
    rows = ((f"`{kind.__name__}`", _again(kind), getattr(kind, "advice", "") or "-") for kind in _leaves())
    return table(("error", "tried again", "advice"), rows)


def _leaves(kind: type[errors.SmfsError] = errors.SmfsError) -> Iterator[type[errors.SmfsError]]:
    """Every error that has no kinds of its own, in the order of the tree."""
    kinds = [one for one in kind.__subclasses__() if one.__module__ == errors.__name__]
    if not kinds:
        yield kind
    for one in kinds:
        yield from _leaves(one)


def _again(kind: type[errors.SmfsError]) -> str:
    if "passing" in getattr(vars(kind).get("__init__"), "__annotations__", {}):  # each tells it by itself
        return "if its reason may pass"
    return "yes" if kind.passing else "no"


TABLES: dict[str, Callable[[], str]] = {
    "operations": operations,
    "algorithms": built_in_algorithms,
    "task types": task_types,
    "actions": actions,
    "errors": error_tree,
    "retries": retries,
}
"""Name -> what is written."""


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [f"| {' | '.join(row)} |\n" for row in (heads, *rows)]
    return "".join([lines[0], "|---" * len(heads) + "|\n", *lines[1:]])


def filled(text: str) -> str:
    """A document with its tables as they should be. Raises KeyError for one that is not known."""
    return MARKED.sub(lambda found: f"<!-- table: {found['name']} -->\n{TABLES[found['name']]()}<!-- end -->", text)


def tables_of(text: str) -> dict[str, str]:
    """The tables that are in a document."""
    return {found["name"]: found["text"] for found in MARKED.finditer(text)}


def main() -> int:
    """Write them."""
    for document in DOCUMENTS:
        before = document.read_text(encoding="utf-8")
        after = filled(before)
        if after != before:
            document.write_text(after, encoding="utf-8")
            print(f"{document.relative_to(ROOT)} is written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
