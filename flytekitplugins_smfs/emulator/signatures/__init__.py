"""Who asks: AWS request signatures, verified. Pure functions and one table of keys; nothing here speaks HTTP.

A server takes a request's method, target and headers as they came over the wire and calls ``verify``. The answer names
the key that signed and how the body is protected; a ``Decoder`` made from it takes the body piece by piece, takes
chunk framing off, and checks hashes, chunk signatures and trailers. What is wrong raises ``SignatureError``, which
carries the code, status and text of the service that was asked.

    verified = verify("PUT", "/bucket/a%20key", headers, keys, time.time(), dialect=Dialect.S3)
    decoder = Decoder(verified, headers)
    for piece in body:
        file.write(decoder.feed(piece))
    decoder.finish()          # before anything of the body counts
    decoder.trailers          # {"x-amz-checksum-crc32": "..."}

A signature says who asks; what they may do is not decided here.
"""

from .chunks import Decoder
from .forms import verify_form
from .keys import Key, Keys
from .problems import Dialect, Problem, SignatureError
from .verification import Payload, Verified, in_scope, unsigned, verify

__all__ = [
    "Decoder",
    "Dialect",
    "Key",
    "Keys",
    "Payload",
    "Problem",
    "SignatureError",
    "Verified",
    "in_scope",
    "unsigned",
    "verify",
    "verify_form",
]
