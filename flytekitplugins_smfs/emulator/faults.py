"""The one exception an operation raises to answer with an AWS error."""

from typing import Any


class AwsError(Exception):
    """An error as AWS would answer it.

    ``code`` is AWS's own error code (what ``ClientError.response["Error"]["Code"]`` shows), ``message`` its text.
    ``status`` is the HTTP status; ``fields`` are the further members of the modelled error shape
    (``FileSystemId``, ``Parameter`` and the like).
    """

    def __init__(self, code: str, message: str, status: int = 400, **fields: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields


class NotImplementedByEmulator(AwsError):
    """An operation, or a part of one, that the embedded AWS refuses by name rather than pretending."""

    def __init__(self, what: str) -> None:
        super().__init__("NotImplementedByEmulator", f"The embedded AWS does not implement {what}.")


class DropConnection(Exception):
    """Close the client's connection without any answer. Raised by injected faults only."""
