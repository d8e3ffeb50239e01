"""S3's documents: written from plain values, read into elements, with its namespace."""

import re
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

from ..errors import S3Error

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_SPECIAL = re.compile('[&<>"\x00-\x08\x0b\x0c\x0d\x0e-\x1f\ufffe\uffff]')
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'

Value = str | int | bool | None | Sequence["Value"] | Mapping[str, "Value"]
"""An element's content: text, elements by name, or a list for an element that is repeated. None is left out."""


def written(name: str, value: Mapping[str, Value], namespace: bool = True) -> bytes:
    """A whole document."""
    attribute = f' xmlns="{NAMESPACE}"' if namespace else ""
    inner = "".join(_element(key, item) for key, item in value.items())
    return f"{_HEAD}<{name}{attribute}>{inner}</{name}>".encode("utf-8", "surrogatepass")


def text(name: str, value: str) -> bytes:
    """A document of one element that holds text."""
    inner = _SPECIAL.sub(_escape, value)
    return f'{_HEAD}<{name} xmlns="{NAMESPACE}">{inner}</{name}>'.encode()


def parsed(body: bytes, *roots: str) -> ElementTree.Element:
    """A document's root without namespaces. Raises S3Error MalformedXML unless it is one of ``roots``."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise malformed()
    try:
        root = ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError, LookupError):
        raise malformed() from None
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    if root.tag not in roots:
        raise malformed()
    return root


def text_of(element: ElementTree.Element, name: str) -> str | None:
    """The text of a child; empty text is text."""
    child = element.find(name)
    return None if child is None else child.text or ""


def malformed() -> S3Error:
    """The refusal of a document that is not as it should be."""
    text = "The XML you provided was not well-formed or did not validate against our published schema"
    return S3Error("MalformedXML", text)


def _element(name: str, value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return f"<{name}>{_SPECIAL.sub(_escape, value)}</{name}>"
    if isinstance(value, bool):
        return f"<{name}>{'true' if value else 'false'}</{name}>"
    if isinstance(value, int):
        return f"<{name}>{value}</{name}>"
    if isinstance(value, Mapping):
        return f"<{name}>{''.join(_element(key, item) for key, item in value.items())}</{name}>"
    return "".join(_element(name, item) for item in value)


_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}


def _escape(found: "re.Match[str]") -> str:
    """Characters that XML does not have are written as S3 writes them; clients then ask for ``encoding-type=url``."""
    return _NAMED.get(found[0]) or f"&#x{ord(found[0]):x};"
