"""Whether a request has changed what moto remembers.

Most operations say so by their names. Of those that begin with Get some make or note something all the same
(GetSecretValue its last access, say), so what moto remembers is compared before and after them.
"""

import hashlib
import io
import pickle
from dataclasses import dataclass
from typing import Any

_READS = ("Describe", "List", "Head", "BatchGet", "Simulate", "Search", "Lookup", "Scan", "Query")
_ALONE = frozenset({"ec2", "iam", "sts"})
"""Services that no other shares its name with, and that remember much."""
_LARGE = 500
"""What holds more than this is told by its size only: moto's own tables, of AWS's policies and the like."""


@dataclass(frozen=True)
class Mark:
    """What moto remembered of a service; None where that cannot be told."""

    service: str
    digest: bytes | None


class Effects:
    """Tells for one account. moto must be at rest while it is asked."""

    def __init__(self, account: str) -> None:
        self._account = account

    def before(self, service: str, operation: str, method: str = "POST") -> Mark | None:
        """Look before a request; the service by the name it signs with. None if its name says all."""
        reads = operation.startswith("Get") or (method in ("GET", "HEAD") and not operation.startswith(_READS))
        return Mark(service, self._digest(service)) if reads else None

    def changed(self, mark: Mark | None, operation: str) -> bool:
        """Whether a request that succeeded is to be repeated to have the same state again."""
        if mark is None:
            return not operation.startswith(_READS)
        return mark.digest is None or self._digest(mark.service) != mark.digest

    def _digest(self, service: str) -> bytes | None:
        """Of the service that is asked, and of all others but the large ones: some share the name they sign with."""
        from . import moto_memory

        looked_at = [
            (one.service_name, dict(one[self._account]))
            for one in moto_memory.instances()
            if self._account in one and (one.service_name == service or one.service_name not in _ALONE)
        ]
        written = io.BytesIO()
        try:
            _Pickler(written, pickle.HIGHEST_PROTOCOL).dump(looked_at)
        except Exception:  # noqa: BLE001  # moto keeps what cannot be written, which may be of any type
            return None
        return hashlib.blake2b(written.getbuffer()).digest()


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Any:
        if isinstance(obj, (dict, list, set)) and len(obj) > _LARGE:
            return type(obj).__name__, len(obj)
        return None
