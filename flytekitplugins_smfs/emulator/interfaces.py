"""Network interfaces that a service has made in somebody's subnet: attached to the service, and not theirs to remove.

moto knows interfaces of instances only; the marks are put on moto's objects when an interface is made, and again after
moto's state is brought back.
"""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .faults import AwsError
from .messages import Request
from .store import Store

_KIND = "ec2.managed-interface"
_OWNED = {
    "DeleteNetworkInterface": (
        "NetworkInterfaceId",
        "InvalidParameterValue",
        "Network interface '{}' is currently in use.",
    ),
    "DetachNetworkInterface": (
        "AttachmentId",
        "OperationNotPermitted",
        "You are not allowed to manage '{}' attachments.",
    ),
}


@dataclass(frozen=True)
class _Holder:
    """What moto reads of the instance that an interface is attached to. A service's own has no id."""

    owner_id: str
    id: str | None = None
    security_groups: tuple[Any, ...] = field(default=())


class ManagedInterfaces:
    """The interfaces that services manage, by id."""

    def __init__(self, store: Store, account: str) -> None:
        self._store = store
        self._account = account

    def take(self, id: str, region: str, requester: str, moment: float) -> None:
        """Mark an interface as attached to a service (``amazon-fsx``) since an epoch time."""
        attachment = f"eni-attach-{uuid.uuid5(uuid.NAMESPACE_URL, id).hex[:17]}"
        document = {"id": id, "region": region, "requester": requester, "attachment": attachment, "since": moment}
        self._store.put(_KIND, id, document)
        self._mark(document)

    def release(self, id: str) -> None:
        """Let go of an interface, so that it can be deleted."""
        self._store.delete(_KIND, id)

    def restore(self) -> None:
        """Mark all again, after moto's state was brought back."""
        for document in self._store.all(_KIND):
            self._mark(document)

    def protect(self, operation: str, request: Request) -> None:
        """Raise what EC2 answers to somebody who removes what a service manages."""
        if operation not in _OWNED:
            return
        member, code, text = _OWNED[operation]
        asked = request.form().get(member, "")
        if any(asked in (document["id"], document["attachment"]) for document in self._store.all(_KIND)):
            raise AwsError(code, text.format(asked))

    def _mark(self, document: dict[str, Any]) -> None:
        from moto.backends import get_backend

        interface: Any = get_backend("ec2")[self._account][document["region"]].enis.get(document["id"])
        if interface is None:
            return
        interface.requester_managed = True
        interface.requester_id = document["requester"]
        interface.status = "in-use"
        interface.instance = _Holder(document["requester"])
        interface.attachment_id = document["attachment"]
        interface.attach_time = datetime.fromtimestamp(document["since"], UTC)
        interface.device_index = 1
        interface.delete_on_termination = False
