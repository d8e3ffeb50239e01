"""Whether two specs ask for the same thing, also when different releases wrote them.

A spec's identity is what in it differs from the defaults of the release that made the resource, which are frozen in
`releases.json`: an optional field that is added later changes nothing that exists, and a default that changes later
adopts nothing wrongly. Release 0.1.0 hashed every field; its marks are recomputed from the fields that it had.
"""

from __future__ import annotations

import functools
import hashlib
import json
from typing import Any

from pydantic import BaseModel, RootModel

from flytekitplugins_smfs.values.shipped import shipped

RELEASE = "0.2.0"
"""The release whose defaults marks are made with now."""
FIRST = "0.1.0"
Defaults = dict[str, dict[str, list[Any]]]
"""Class -> field -> `[default]`, or `[]` where the field has to be given."""


def mark(spec: BaseModel, release: str = RELEASE) -> str:
    """The text that stands for a spec's identity in a tag: `<release>/<16 hex digits>`, in 0.1.0 the digits alone."""
    digits = _digest(identity(spec, release))
    return digits if release == FIRST else f"{release}/{digits}"


def same(spec: BaseModel, made: str | None) -> bool:
    """Whether the mark `made`, of whichever release, is this spec's. A release that is not known here is another's."""
    if made is None:
        return False
    release = made.partition("/")[0] if "/" in made else FIRST
    return release in releases() and mark(spec, release) == made


def identity(spec: BaseModel, release: str) -> Any:
    """What is hashed, as plain data."""
    return _canonical(spec, releases()[release], whole=release == FIRST)


def frozen(classes: tuple[type[BaseModel], ...]) -> Defaults:
    """The defaults of these classes and of all values in them, as this release has them; for `releases.json`."""
    known = {kind.__name__: _defaults_of(kind) for kind in classes}
    return {name: known[name] for name in sorted(known)}


@functools.cache
def releases() -> dict[str, Defaults]:
    """The frozen defaults of each release."""
    text = shipped("flytekitplugins_smfs.values", "releases.json")
    table: dict[str, Defaults] = json.loads(text)
    return table


def _defaults_of(kind: type[BaseModel]) -> dict[str, list[Any]]:
    return {
        name: [] if info.is_required() else [_canonical(info.get_default(call_default_factory=True), {}, whole=False)]
        for name, info in kind.model_fields.items()
    }


def _canonical(value: Any, defaults: Defaults, *, whole: bool) -> Any:
    """Plain data without incidental fields and, unless `whole`, without those at their default."""
    if isinstance(value, RootModel):
        return _canonical(value.root, defaults, whole=whole)
    if isinstance(value, BaseModel):
        return _fields(value, defaults, whole=whole)
    if isinstance(value, dict):
        return {str(key): _canonical(item, defaults, whole=whole) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_canonical(item, defaults, whole=whole) for item in value]
    return value


def _fields(value: BaseModel, defaults: Defaults, *, whole: bool) -> dict[str, Any]:
    frozen_here = defaults.get(type(value).__name__, {})
    plain: dict[str, Any] = {}
    for name, info in type(value).model_fields.items():
        if name in getattr(value, "incidental", ()):
            continue
        field = getattr(value, name)
        item = _canonical(field, defaults, whole=whole)
        if name in frozen_here:
            usual = frozen_here[name] == [item]
            unsaid = usual and not whole
        else:  # the release did not have it: left alone it changes nothing
            unsaid = not info.is_required() and field == info.get_default(call_default_factory=True)
        if not unsaid:
            plain[name] = item
    return plain


def _digest(plain: Any) -> str:
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]
