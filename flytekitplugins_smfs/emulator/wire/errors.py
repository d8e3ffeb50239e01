"""What is wrong with a request before anybody looks at what it asks for."""


class WireError(Exception):
    """A request refused at the door: HTTP ``status``, an error ``code`` as AWS has it, and a ``message``."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message


def cut_off() -> WireError:
    """What is said of a body that is not whole."""
    return WireError(400, "IncompleteBody", "The request body is ill-formed or ended early.")


def defect() -> WireError:
    """What a client is told of a failure that is not its own."""
    return WireError(500, "InternalError", "The embedded AWS has a defect here; its log has the details.")


class Hangup(Exception):
    """Close the connection without an answer."""
