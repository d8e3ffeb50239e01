"""Calls of IAM that leave the user's name out mean the user whose key signed, which moto cannot tell."""

from dataclasses import replace
from urllib.parse import urlencode

from . import models
from .messages import Request


def implied_user(request: Request) -> Request:
    """The request with the user's name in it, where the operation takes one, does not need it, and has none.

    IAM's API reference says of each such member: "If you do not specify a user name, IAM determines the user name
    implicitly based on the AWS access key ID used to sign the request." A role's session implies none.
    """
    form = request.form()
    model = models.service_model("iam")
    operation = form.get("Action", "")
    if request.caller is None or ":user/" not in request.caller.arn or operation not in model.operation_names:
        return request
    shape = model.operation_model(operation).input_shape
    if shape is None or "UserName" in form or "UserName" in shape.required_members or "UserName" not in shape.members:
        return request
    more = urlencode({"UserName": request.caller.arn.rpartition("/")[2]})
    if request.body:
        return replace(request, body=request.body + b"&" + more.encode())
    return replace(request, target=f"{request.target}&{more}")
