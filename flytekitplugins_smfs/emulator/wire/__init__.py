"""The emulator's side of the wire: one HTTP front for all its ports, which nothing sent to it can harm.

A ``Front`` listens on loopback, turns away what a browser sends, bounds headers, bodies and the time each read takes,
and hands an ``Arrival`` (a request as it stood on the wire) to a coroutine that answers with ``reply(...)``, or with an
aiohttp response of its own. Whatever goes wrong meanwhile is answered in AWS's manner, never with a traceback.
"""

from .arrival import Arrival
from .errors import WireError
from .front import Front, Hangup, bound, reply
from .guards import refusal
from .limits import Limits

__all__ = ["Arrival", "Front", "Hangup", "Limits", "WireError", "bound", "refusal", "reply"]
