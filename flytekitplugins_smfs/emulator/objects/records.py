"""The nouns of the store: buckets, objects, uploads and parts, as their rows say them."""

import json
from dataclasses import dataclass, field, fields
from typing import Any

STANDARD = "STANDARD"
COMPOSITE = "COMPOSITE"
FULL_OBJECT = "FULL_OBJECT"


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket. ``created`` is in epoch seconds."""

    id: int
    name: str
    region: str
    created: int


@dataclass(frozen=True, slots=True)
class About:
    """What an object says of itself beside its content; all of it travels with a copy."""

    headers: dict[str, str] = field(default_factory=dict)
    """The HTTP headers that are kept and given back, in lower case: content-type, cache-control, ..."""
    metadata: dict[str, str] = field(default_factory=dict)
    """User metadata, names in lower case and without ``x-amz-meta-``."""
    tags: dict[str, str] = field(default_factory=dict)
    storage_class: str = STANDARD
    checksums: dict[str, str] = field(default_factory=dict)
    """Algorithm (as in ChecksumAlgorithm) to base64 value; a composite one ends in ``-<parts>``."""
    checksum_type: str = FULL_OBJECT
    encryption: dict[str, str] = field(default_factory=dict)
    """The ``x-amz-server-side-encryption...`` headers to answer, without that beginning."""
    customer_key: str = ""
    """Base64 MD5 of the key that the customer must present (SSE-C); empty without one."""
    parts: list[list[Any]] = field(default_factory=list)
    """Number, size and checksum (or None) of each part; empty for what was put whole."""
    restored_until: int = 0
    """Until when an archived object can be read, in epoch seconds."""

    def text(self) -> str:
        """JSON of what is not as by default."""
        values = {name: value for name in _NAMES if (value := getattr(self, name)) and value != _DEFAULTS.get(name)}
        return json.dumps(values, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def of(cls, text: str) -> "About":
        return cls(**json.loads(text))


_NAMES = tuple(item.name for item in fields(About))
_DEFAULTS = {"storage_class": STANDARD, "checksum_type": FULL_OBJECT}


@dataclass(frozen=True, slots=True)
class Content:
    """A file of the store that holds what was written, with its sums. Nothing names it until a row does."""

    file: str
    size: int
    md5: str
    """In hex; the ETag of what is put whole."""
    checksums: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stored:
    """One object. ``modified`` is in epoch seconds, ``change`` its place in the order of all changes."""

    key: str
    file: str
    size: int
    etag: str
    modified: float
    change: int
    about: About


@dataclass(frozen=True, slots=True)
class Upload:
    """A multipart upload under way. ``algorithm`` is what its parts are summed by."""

    id: str
    bucket: int
    key: str
    started: float
    algorithm: str
    checksum_type: str
    asked: bool
    """Whether the client chose the algorithm; without, S3 takes CRC64NVME for the whole."""
    about: About


@dataclass(frozen=True, slots=True)
class Part:
    """One uploaded part."""

    number: int
    file: str
    size: int
    etag: str
    modified: float
    checksum: str
