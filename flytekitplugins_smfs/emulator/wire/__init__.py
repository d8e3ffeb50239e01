"""The emulator's side of the wire: one HTTP front for all its ports, which nothing sent to it can harm.

A ``Front`` listens on loopback, turns away what a browser sends, bounds headers, bodies and the time each read takes,
and hands an ``Arrival`` (a request as it stood on the wire) to a handler that answers with a ``Reply``: at once, or as
a coroutine. Whatever goes wrong meanwhile is answered in AWS's manner, never with a traceback.
"""

from .arrival import Arrival
from .errors import Hangup, WireError
from .front import Front, bound
from .limits import Limits
from .loops import run
from .relay import relay
from .replies import Piece, Reply, reply

__all__ = [
    "Arrival",
    "Front",
    "Hangup",
    "Limits",
    "Piece",
    "Reply",
    "WireError",
    "bound",
    "relay",
    "reply",
    "run",
]
