"""What every wire protocol can do."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from botocore.model import OperationModel

from ..faults import AwsError
from ..messages import Request, Response
from ..registry import Service


class Protocol(ABC):
    """A protocol as one service speaks it."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.model = service.model

    @classmethod
    @abstractmethod
    def find(cls, request: Request, signed_for: str, services: Iterable[Service]) -> Service | None:
        """The service that a request of this protocol is for, if it is one of these.

        ``signed_for`` is the name of a service in the signature; empty for an unsigned request.
        """

    @abstractmethod
    def operation(self, request: Request) -> str:
        """The name of the operation that is asked for, whether there is one or not."""

    @abstractmethod
    def parse(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        """The parameters, as an operation's function gets them. Raises anything for what cannot be read."""

    @abstractmethod
    def answer(self, operation: OperationModel, result: dict[str, Any]) -> Response:
        """A successful answer."""

    @abstractmethod
    def refuse(self, error: AwsError) -> Response:
        """An error."""

    def read(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        """The parameters. Raises AwsError with the service's code for what cannot be read, whatever it is."""
        try:
            return self.parse(operation, request)
        except AwsError:
            raise
        except RecursionError:
            raise AwsError(self.service.errors.unreadable, "The request body is nested too deep.") from None
        except Exception as problem:  # noqa: BLE001  # parsers, ours and others', raise whatever they stumble over
            text = str(problem)[:200] if isinstance(problem, ValueError) else "The request cannot be read."
            raise AwsError(self.service.errors.unreadable, text) from None

    def message_member(self, code: str) -> str:
        """What the shape of an error calls its message."""
        shape = self.model.shape_for_error_code(code) if code in self.model._shape_resolver._shape_map else None
        return "Message" if shape is not None and "Message" in shape.members else "message"
