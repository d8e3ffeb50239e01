"""What is wrong with a request before anybody looks at what it asks for."""


class WireError(Exception):
    """A request refused at the door: HTTP ``status``, an error ``code`` as AWS has it, and a ``message``."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message


class Hangup(Exception):
    """Close the connection without an answer."""
