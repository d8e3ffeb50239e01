"""Finds who answers a request: a service of this package, or moto."""

import json
import logging
import re
import sqlite3
from dataclasses import replace
from typing import Any

from . import refusals
from .account import Account
from .compression import inflated
from .dialects import dialect_of, has_action, s3_error, scope, worded
from .faults import AwsError, DropConnection
from .implied_user import implied_user
from .messages import Request, Response
from .models import signed_as
from .protocols import Protocol, find
from .protocols.errors import error_for
from .protocols.rest import operation_of
from .signatures import Dialect
from .validation import check

log = logging.getLogger(__name__)

_CODE = re.compile(rb"<Code>([^<]+)</Code>|\"(?:__type|code)\": ?\"(?:[^\"#]*#)?([^\"]+)\"")


class Dispatcher:
    """Answers requests of all protocols. Safe to call from many threads."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def handle(self, request: Request) -> Response:
        """The answer to any AWS request. Raises DropConnection if that was asked for."""
        service, region = scope(request)
        try:
            protocol = find(request, service, self._account.services.values())
        except AwsError as error:
            return worded(request, Dialect.JSON, error)
        if protocol is not None and not _left_to_moto(protocol, request):
            return self._own(region, protocol, request)
        if service in ("s3", "") and "x-amz-target" not in request.headers and not has_action(request):
            text = "The specified method is not allowed against this resource."
            return s3_error(AwsError("MethodNotAllowed", text, 405))  # a form that nobody has signed: no call of S3's
        return self._moto(service, region or self._account.settings.region, request, protocol)

    def _own(self, region: str, protocol: Protocol, request: Request) -> Response:
        service = protocol.service
        name = service.name
        operation = ""
        parameters: dict[str, Any] = {}
        size = len(request.body)
        try:
            request = replace(request, body=inflated(request.body, request.headers.get("content-encoding", "")))
            operation = protocol.operation(request)
            if operation not in service.model.operation_names:
                raise AwsError(service.errors.unknown, f"{name} has no operation {operation!r}.")
            if size > (most := service.largest.get(operation, size)):
                raise AwsError("RequestEntityTooLarge", f"Request size {size} exceeded {most} bytes", 413)
            model = service.model.operation_model(operation)
            parameters = protocol.read(model, request)
            lost = self._account.context.injections.strike(name, operation, parameters)
            check(service.errors.validation, model, parameters, service.errors.missing)
            if (refusal := refusals.own(service, operation)) is not None:
                raise refusal
            context = replace(self._account.context.at(region), caller=request.caller)
            response = protocol.answer(model, service.operations[operation](context, parameters) or {})
        except AwsError as error:
            self._record(request, name, operation, parameters, error.code)
            return protocol.refuse(error)
        except DropConnection:
            self._record(request, name, operation, parameters, "DroppedConnection")
            raise
        except Exception as problem:
            log.exception("%s.%s failed", name, operation)
            self._record(request, name, operation, parameters, "InternalServerError")
            return protocol.refuse(_defect(problem))
        self._record(request, name, operation, parameters, "LostResponse" if lost else None)
        if lost:
            raise DropConnection
        return response

    def _moto(self, service: str, region: str, request: Request, protocol: Protocol | None) -> Response:
        if service == "iam":
            request = implied_user(request)
        operation, parameters = _moto_call(service, request)
        lost = False
        try:
            lost = self._account.context.injections.strike(service, operation, parameters)
            if protocol is not None:
                _check_passed(protocol, operation, request)
            response = self._account.moto.handle(service, region, operation, request)
        except DropConnection:
            self._record(request, service, operation, parameters, "DroppedConnection")
            raise
        except AwsError as error:
            response = error_for(self._account.moto.protocol(service), error)
        except Exception as problem:
            log.exception("%s.%s failed", service, operation)
            response = worded(request, dialect_of(request), _defect(problem))
        self._record(request, service, operation, parameters, "LostResponse" if lost else _error_code(response))
        if lost:
            raise DropConnection
        return response

    def _record(
        self, request: Request, service: str, operation: str, parameters: dict[str, Any], error: str | None
    ) -> None:
        """Write a call down. What was done stays done where there is no room for that."""
        caller = request.caller.id if request.caller else None
        try:
            self._account.calls.add(service, operation, parameters, error, caller)
        except sqlite3.Error as problem:
            log.error("could not record a call of %s.%s: %s", service, operation, problem)


def _left_to_moto(protocol: Protocol, request: Request) -> bool:
    """Whether an operation is moto's, of a service that is ours in part."""
    service = protocol.service
    return service.shared and protocol.operation(request) not in service.operations


def _check_passed(protocol: Protocol, operation: str, request: Request) -> None:
    """Refuse what moto would take, and AWS does not, of a service that is ours in part."""
    service = protocol.service
    if operation not in service.model.operation_names:
        return
    model = service.model.operation_model(operation)
    parameters = protocol.read(model, request)
    check(service.errors.validation, model, parameters, service.errors.missing)
    if operation in service.rules:
        service.rules[operation](parameters)


def _defect(problem: Exception) -> AwsError:
    """What a client is told of a failure that is not its own."""
    text = "The embedded AWS has a defect here; its log has the details."
    if isinstance(problem, (sqlite3.Error, OSError)):
        text = f"The embedded AWS cannot read or write its state: {problem}"
    return AwsError("InternalServerError", text, 500)


def _moto_call(service: str, request: Request) -> tuple[str, dict[str, Any]]:
    """Operation and parameters, as far as they can be told; of REST services the operation alone."""
    if target := request.headers.get("x-amz-target"):
        try:
            document = json.loads(request.body or b"{}")
        except ValueError:
            document = {}
        return target.rpartition(".")[2], document if isinstance(document, dict) else {}
    form = request.form()
    if "Action" in form:
        return form["Action"], {name: value for name, value in form.items() if name not in ("Action", "Version")}
    named = (operation_of(model, request) for model in signed_as(service))
    return next(filter(None, named), f"{request.method} {request.path}"), {}


def _error_code(response: Response) -> str | None:
    if response.status < 400:
        return None
    found = _CODE.search(response.body)
    return (found[1] or found[2]).decode() if found else str(response.status)
