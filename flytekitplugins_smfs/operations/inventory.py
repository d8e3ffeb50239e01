"""What this package made in an AWS account and region and that is still there, found by its tags; and its removal."""

from __future__ import annotations

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.names import execution_label
from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.operations.service import Holding
from flytekitplugins_smfs.values.errors import AwsFault


def holdings(aws: Aws, execution: str | None = None) -> tuple[Holding, ...]:
    """Everything there is, or what one execution made, oldest first."""
    label = execution_label(execution) if execution else None
    found = [one for kind in catalog.holdings() for one in kind.find(aws, label)]
    return tuple(sorted(found, key=lambda one: one.made_at))


def remove(aws: Aws, execution: str) -> tuple[Holding, ...]:
    """Bring what an execution made one step nearer to its end, and give what is left.

    Jobs before what they read; what cannot be removed now holds nothing else of its order back.
    """
    label = execution_label(execution)
    faults: list[AwsFault] = []
    for order in sorted({kind.order for kind in catalog.holdings()}):
        left = []
        for kind in catalog.holdings():
            for one in list(kind.find(aws, label)) if kind.order == order else []:
                try:
                    if not kind.remove(aws, one.id):
                        left.append(one)
                except AwsFault as fault:
                    faults.append(fault)
        if faults:
            raise faults[0]
        if left:
            return tuple(left)
    return ()
