"""How much and how slowly a client may send."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds of one port. Sizes in bytes, times in seconds of the real clock."""

    connections: int = 4096
    """At the same time; who comes beyond is turned away. One may need three open files."""
    header_bytes: int = 64 * 1024
    """Of one header line, and of the request line: presigned URLs and session tokens are long."""
    headers: int = 256
    """How many header lines."""
    body_bytes: int = 64 * 1024 * 1024
    """Of a body that is read whole."""
    header_seconds: float = 15.0
    """From the first byte of a request to the end of its headers."""
    read_seconds: float = 20.0
    """For the next piece of a body to arrive; S3 closes such connections after about as long."""
    whole_seconds: float = 60.0
    """For a body that is read whole."""
    write_seconds: float = 60.0
    """For a client to take an answer that is written whole."""
    linger_seconds: float = 5.0
    """For the rest of a body that nobody wants, before the connection is closed."""
    idle_seconds: float = 75.0
    """Between two requests of a connection."""
