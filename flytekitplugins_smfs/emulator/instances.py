"""How large the machines are that SageMaker's instance types stand for.

From the pages "Amazon EC2 instance types"; ``ml.m5.xlarge`` is the ``m5.xlarge`` of EC2.
"""

import re
from dataclasses import dataclass

_TYPE = re.compile(r"ml\.(?P<family>[a-z]+\d[a-z-]*)\.(?P<size>\w+)")
_VCPUS = {"medium": 2, "large": 2, "xlarge": 4, "metal": 96}
_GIB_PER_VCPU = {"m": 4.0, "t": 4.0, "c": 2.0, "r": 8.0, "g": 4.0, "inf": 4.0, "trn": 16.0, "p": 8.0}
_GIB_PER_VCPU_OF = {
    "c4": 1.875,
    "p2": 15.25,
    "p3": 7.625,
    "p3dn": 8.0,
    "p4d": 12.0,
    "p4de": 12.0,
    "p5": 10.67,
    "g5": 4.0,
}


@dataclass(frozen=True)
class Instance:
    """Processors and memory of one instance."""

    vcpus: int
    memory_bytes: int


def instance(type: str) -> Instance | None:
    """The size of an instance type, or None for one of an unknown kind."""
    found = _TYPE.fullmatch(type)
    if found is None:
        return None
    family, size = found["family"], found["size"]
    kind = re.match(r"[a-z]+", family)
    each = _GIB_PER_VCPU_OF.get(family) or _GIB_PER_VCPU.get(kind[0] if kind else "")
    many = re.fullmatch(r"(\d+)xlarge", size)
    vcpus = 4 * int(many[1]) if many else _VCPUS.get(size)
    if each is None or vcpus is None:
        return None
    return Instance(vcpus, int(each * vcpus * (1 << 30)))
