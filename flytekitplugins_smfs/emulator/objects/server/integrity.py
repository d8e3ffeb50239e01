"""What a request says its content is: MD5 and checksums, in headers or in trailers; and whether it is so."""

import base64
from dataclasses import dataclass

from .. import checksums
from ..checksums import CRC64NVME
from ..errors import S3Error, not_implemented
from ..records import Content
from .request import S3Request

_OTHERS = tuple(f"x-amz-checksum-{name}" for name in ("sha512", "md5", "xxhash64", "xxhash3", "xxhash128"))


@dataclass(frozen=True, slots=True)
class Integrity:
    """What was promised. ``algorithm`` is None where the client chose none: S3 then takes CRC64NVME."""

    md5: str | None
    algorithm: str | None
    value: str | None
    """The sum, where a header has it; otherwise it comes as a trailer."""

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The sums to compute."""
        return (self.algorithm or CRC64NVME,)

    @property
    def given(self) -> bool:
        return self.md5 is not None or self.algorithm is not None

    def check(self, content: Content, trailers: dict[str, str]) -> None:
        """Refuse content that is not as promised."""
        self.check_md5(content.md5)
        if self.algorithm is None:
            return
        value = self.value
        if value is None:
            value = trailers.get(f"x-amz-checksum-{self.algorithm.lower()}", "")
            checksums.check_form(self.algorithm, value)
        if value != content.checksums[self.algorithm]:
            raise checksums.bad_digest(self.algorithm)

    def check_md5(self, computed: str) -> None:
        """Refuse content whose MD5 (in hex) is another."""
        if self.md5 is not None and self.md5 != computed:
            encoded = base64.b64encode(bytes.fromhex(computed)).decode()
            raise S3Error(
                "BadDigest",
                "The Content-MD5 you specified did not match what we received.",
                ExpectedDigest=base64.b64encode(bytes.fromhex(self.md5)).decode(),
                CalculatedDigest=encoded,
            )


def promised(request: S3Request) -> Integrity:
    """What a request promises. Raises S3Error for what cannot be read, or contradicts itself."""
    values = request.values
    named = [name for name in values if name.startswith("x-amz-checksum-")]
    given = {checksums.HEADERS[name]: values[name] for name in named if name in checksums.HEADERS}
    if other := [name for name in _OTHERS if name in values or name in values.get("x-amz-trailer", "").lower()]:
        raise not_implemented(f"the checksum of the header {other[0]}")
    trailing = _trailing(values.get("x-amz-trailer"))
    if len(given) + len(trailing) > 1:
        text = "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        raise S3Error("InvalidRequest", text)
    for name, value in given.items():
        checksums.check_form(name, value)
    algorithm = next(iter(given), None) or next(iter(trailing), None)
    _check_named(values.get("x-amz-sdk-checksum-algorithm"), algorithm)
    return Integrity(_md5(values.get("content-md5")), algorithm, given.get(algorithm) if algorithm else None)


def _trailing(announced: str | None) -> list[str]:
    names = [name.strip().lower() for name in (announced or "").split(",") if name.strip()]
    if unknown := [name for name in names if name not in checksums.HEADERS]:
        text = "The value specified in the x-amz-trailer header is not supported"
        raise S3Error("InvalidRequest", text, TrailerName=unknown[0])
    return [checksums.HEADERS[name] for name in names]


def _check_named(named: str | None, algorithm: str | None) -> None:
    if named is None or named.upper() == algorithm:
        return
    if named.upper() not in checksums.ALGORITHMS:
        raise S3Error("InvalidRequest", "Value for x-amz-sdk-checksum-algorithm header is invalid.")
    if algorithm is None:
        text = (
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers "
            "were found."
        )
        raise S3Error("InvalidRequest", text)
    raise S3Error("InvalidRequest", "Value for x-amz-sdk-checksum-algorithm header is invalid.")


def _md5(value: str | None) -> str | None:
    if value is None:
        return None
    digest = checksums.decoded(value.strip(), 16)
    if digest is None:
        error = S3Error("InvalidDigest", "The Content-MD5 you specified was invalid.")
        error.fields["Content-MD5"] = value
        raise error
    return digest.hex()
