"""What the makers of malformed requests begin with: good ones, signed."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.emulator.attack.drawing import Drawing
from tests.emulator.attack.seeds import OPERATIONS, SERVICES
from tests.emulator.attack.speaking import Speaker, written


@dataclass(frozen=True)
class Sent:
    """What is sent. ``answers`` is how many answers must come at least; 0 where the client itself leaves."""

    kind: str
    data: bytes
    answers: int = 1
    leaves: bool = False
    """The client closes the connection rather than only its side of it."""


class Maker:
    """Makes malformed requests for an emulator with a random generator."""

    def __init__(self, speaker: Speaker, host: str, chance: random.Random) -> None:
        self.speaker, self.host, self.chance = speaker, host, chance

    def good(self, protocol: str = "") -> tuple[str, dict[str, str], bytes, str]:
        """Path, headers and body of a request that is drawn from a model, and its service's signing name."""
        while True:
            name, operation = self.chance.choice(OPERATIONS)
            service = SERVICES[name]
            if name == "sagemaker-runtime" or (protocol == "cbor" and name != "cloudwatch"):
                continue
            spoken = protocol or service.model.metadata["protocol"]
            if protocol and protocol != "cbor" and service.model.metadata["protocol"] != protocol:
                continue
            shape = service.model.operation_model(operation).input_shape
            asked = Drawing(self.chance).request(shape, self.chance.choice([0.0, 0.5]))
            _, path, headers, body = written(service, operation, asked, spoken)
            return path, headers, body, service.model.signing_name

    def signed(self, path: str, headers: dict[str, str], body: bytes, scope: str, drop: tuple[str, ...] = ()) -> bytes:
        """A whole request, its signature right for this body. ``drop``: headers that are left out after all."""
        lines = {"Host": self.host, "Content-Length": str(len(body))} | self.speaker.signed(path, headers, body, scope)
        return head("POST", path, {name: text for name, text in lines.items() if name not in drop}) + body

    def spoilt(self, body: bytes) -> bytes:
        return spoilt(self.chance, body)


def spoilt(chance: random.Random, body: bytes) -> bytes:
    """A body with some bytes changed, dropped, doubled or put in."""
    changed = bytearray(body or b"{}")
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(changed) + 1)
        what = chance.randrange(4)
        if what == 0:
            changed[at : at + 1] = chance.randbytes(1)
        elif what == 1:
            del changed[at : at + chance.randint(1, 10)]
        elif what == 2:
            changed[at:at] = changed[at : at + 20]
        else:
            changed[at:at] = chance.choice([b"\0", b"\xff", b"{", b"[", b'"', b"%", b"&", b".", b"=", b"\\u"])
    return bytes(changed)


def head(method: str, target: str, headers: dict[str, str] | list[tuple[str, str]], version: str = "HTTP/1.1") -> bytes:
    """A request line and headers, of whatever bytes latin-1 has."""
    pairs = headers.items() if isinstance(headers, dict) else headers
    lines = "".join(f"{name}: {text}\r\n" for name, text in pairs)
    return f"{method} {target} {version}\r\n{lines}\r\n".encode("utf-8", "surrogateescape")
