"""Errors as the protocols word them, also for services of which only the protocol is known."""

import json

from ..faults import AwsError
from ..messages import Response, request_id


def xml_error(error: AwsError) -> Response:
    """An error of the query and rest-xml protocols."""
    kind = "Sender" if error.status < 500 else "Receiver"
    inner = element("Type", kind) + element("Code", escaped(error.code)) + element("Message", escaped(error.message))
    id = request_id()
    return xml(error.status, element("ErrorResponse", element("Error", inner) + element("RequestId", id)), id)


def ec2_error(error: AwsError) -> Response:
    """An error of the ec2 protocol."""
    inner = element("Code", escaped(error.code)) + element("Message", escaped(error.message))
    id = request_id()
    text = element("Errors", element("Error", inner)) + element("RequestID", id)
    return xml(error.status, element("Response", text), id)


def error_for(protocol: str, error: AwsError) -> Response:
    """An error for a service of which only the protocol is known."""
    if protocol == "ec2":
        return ec2_error(error)
    if protocol in ("query", "rest-xml"):
        return xml_error(error)
    body = json.dumps({"__type": error.code, "message": error.message}).encode()
    headers = {"content-type": "application/x-amz-json-1.1", "x-amzn-errortype": error.code}
    return Response(error.status, body, {**headers, "x-amzn-requestid": request_id()})


def xml(status: int, text: str, id: str) -> Response:
    """A response that is XML."""
    return Response(status, text.encode(), {"content-type": "text/xml", "x-amzn-requestid": id})


def element(name: str, inner: str) -> str:
    """An XML element around XML."""
    return f"<{name}>{inner}</{name}>"


def escaped(text: str) -> str:
    """Text for XML: what XML cannot hold becomes a question mark."""
    kept = "".join(letter if letter in "\t\n\r" or letter >= " " else "?" for letter in text)
    return kept.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
