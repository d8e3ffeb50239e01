"""Whether a document is one that S3's service model describes."""

from functools import cache
from xml.etree import ElementTree

import botocore.session
from botocore.model import ListShape, OperationModel, Shape, StructureShape

from . import xml


@cache
def _operation(name: str) -> OperationModel:
    return botocore.session.get_session().get_service_model("s3").operation_model(name)


_BITS = {"integer": 32, "long": 64}
"""How large the numbers of a kind are, as the models' language has it."""


def check(root: ElementTree.Element, operation: str) -> None:
    """Refuse (MalformedXML) a body that the model of this operation's request does not allow."""
    shape = _operation(operation).input_shape
    _check(root, shape.members[shape.serialization["payload"]])


def _check(element: ElementTree.Element, shape: Shape) -> None:
    if isinstance(shape, StructureShape):
        _check_structure(element, shape)
    elif isinstance(shape, ListShape):
        wanted = shape.member.serialization.get("name", "member")
        for child in element:
            if child.tag != wanted:
                raise xml.malformed()
            _check(child, shape.member)
    else:
        _check_text((element.text or "").strip(), shape)


def _check_structure(element: ElementTree.Element, shape: StructureShape) -> None:
    by_tag = {}
    seen = set()
    for name, member in shape.members.items():
        if member.serialization.get("xmlAttribute"):
            seen.add(name)
            continue
        flat = isinstance(member, ListShape) and member.serialization.get("flattened")
        tag = member.serialization.get("name") or (member.member.serialization.get("name", name) if flat else name)
        by_tag[tag] = (name, member.member if flat else member, flat)
    for child in element:
        if child.tag not in by_tag:
            raise xml.malformed()
        name, member, flat = by_tag[child.tag]
        if name in seen and not flat:
            raise xml.malformed()
        seen.add(name)
        _check(child, member)
    if any(name not in seen for name in shape.required_members):
        raise xml.malformed()


def _check_text(text: str, shape: Shape) -> None:
    kind = shape.type_name
    wrong = (
        (kind == "boolean" and text.lower() not in ("true", "false"))
        or (kind in _BITS and not _is_number(text, _BITS[kind]))
        or (kind == "string" and shape.enum and text not in shape.enum)
    )
    if wrong:
        raise xml.malformed()


def _is_number(text: str, bits: int) -> bool:
    digits = text.removeprefix("-")
    fits = digits.isascii() and digits.isdecimal() and len(digits) < 20
    return fits and -(1 << bits - 1) <= int(text) < 1 << bits - 1
