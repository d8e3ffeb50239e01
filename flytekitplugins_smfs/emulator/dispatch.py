"""Finds who answers a request: a service of this package, S3, or moto."""

import json
import logging
import re
import sqlite3
from dataclasses import replace
from typing import Any

from . import refusals
from .account import Account
from .cbor import CborProtocol
from .compression import inflated
from .dialects import dialect_of, has_action, scope, worded
from .faults import AwsError, DropConnection
from .implied_user import implied_user
from .models import speaks
from .protocol import JsonProtocol, QueryProtocol, Request, Response, error_for
from .rest_json import RestJsonProtocol
from .signatures import Dialect
from .validation import check

Protocol = JsonProtocol | QueryProtocol | CborProtocol | RestJsonProtocol

log = logging.getLogger(__name__)

_CBOR_PATH = re.compile(r"/service/([^/]+)/operation/[^/]+")
_CODE = re.compile(rb"<Code>([^<]+)</Code>|\"(?:__type|code)\": ?\"(?:[^\"#]*#)?([^\"]+)\"")


class Dispatcher:
    """Answers requests of all protocols. Safe to call from many threads."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._models = {name: service.model for name, service in account.services.items()}
        self._by_target = {
            m.metadata["targetPrefix"]: n for n, m in self._models.items() if "targetPrefix" in m.metadata
        }
        self._by_target.update({prefix: s.name for s in account.services.values() for prefix in s.targets})
        self._by_scope = {m.signing_name: n for n, m in self._models.items() if speaks(m, "query")}
        self._by_path = {n: RestJsonProtocol(m) for n, m in self._models.items() if speaks(m, "rest-json")}

    def handle(self, request: Request) -> Response:
        """The answer to any AWS request. Raises DropConnection if that was asked for."""
        service, region = scope(request)
        target = request.headers.get("x-amz-target", "")
        if (name := self._by_target.get(target.rpartition(".")[0])) is not None:
            return self._own(name, region, JsonProtocol(self._models[name]), request)
        if request.headers.get("smithy-protocol") == "rpc-v2-cbor":
            name = self._by_target.get(_CBOR_PATH.sub(r"\1", request.path), "")
            if name:
                return self._own(name, region, CborProtocol(self._models[name]), request)
            unknown = AwsError("UnknownOperationException", f"No service here has {request.path[:200]!r}.", 404)
            return worded(request, Dialect.JSON, unknown)
        if not service and (action := request.form().get("Action")):
            service = next((n for n, m in self._models.items() if action in m.operation_names), "")
        if (name := self._by_scope.get(service)) is not None:
            return self._own(name, region, QueryProtocol(self._models[name]), request)
        for name, protocol in self._by_path.items():
            if service == protocol.model.signing_name and protocol.operation(request):
                return self._own(name, region, protocol, request)
        if service in ("s3", "") and not target and not has_action(request):
            return self._account.storage.forward(request)
        return self._moto(service, region or self._account.settings.region, request)

    def _own(self, name: str, region: str, protocol: Protocol, request: Request) -> Response:
        operation = ""
        parameters: dict[str, Any] = {}
        try:
            request = replace(request, body=inflated(request.body, request.headers.get("content-encoding", "")))
            operation = protocol.operation(request)
            if operation not in self._models[name].operation_names:
                raise AwsError("UnknownOperationException", f"{name} has no operation {operation!r}.")
            model = self._models[name].operation_model(operation)
            parameters = protocol.read(model, request)
            lost = self._account.context.injections.strike(name, operation, parameters)
            service = self._account.services[name]
            check(service.errors.validation, model, parameters, service.errors.missing)
            if (refusal := refusals.own(service, operation)) is not None:
                raise refusal
            function = service.operations[operation]
            context = replace(self._account.context.at(region), caller=request.caller)
            response = protocol.answer(model, function(context, parameters) or {})
        except AwsError as error:
            self._record(name, operation, parameters, error.code)
            return protocol.refuse(error)
        except DropConnection:
            self._record(name, operation, parameters, "DroppedConnection")
            raise
        except Exception as problem:
            log.exception("%s.%s failed", name, operation)
            self._record(name, operation, parameters, "InternalServerError")
            return protocol.refuse(_defect(problem))
        self._record(name, operation, parameters, "LostResponse" if lost else None)
        if lost:
            raise DropConnection
        return response

    def _moto(self, service: str, region: str, request: Request) -> Response:
        if service == "iam":
            request = implied_user(request)
        operation, parameters = _moto_call(request)
        lost = False
        try:
            lost = self._account.context.injections.strike(service, operation, parameters)
            response = self._account.moto.handle(service, region, operation, request)
        except DropConnection:
            self._record(service, operation, parameters, "DroppedConnection")
            raise
        except AwsError as error:
            response = error_for(self._account.moto.protocol(service), error)
        except Exception as problem:
            log.exception("%s.%s failed", service, operation)
            response = worded(request, dialect_of(request), _defect(problem))
        self._record(service, operation, parameters, "LostResponse" if lost else _error_code(response))
        if lost:
            raise DropConnection
        return response

    def _record(self, service: str, operation: str, parameters: dict[str, Any], error: str | None) -> None:
        """Write a call down. What was done stays done where there is no room for that."""
        try:
            self._account.calls.add(service, operation, parameters, error)
        except sqlite3.Error as problem:
            log.error("could not record a call of %s.%s: %s", service, operation, problem)


def _defect(problem: Exception) -> AwsError:
    """What a client is told of a failure that is not its own."""
    text = "The embedded AWS has a defect here; its log has the details."
    if isinstance(problem, (sqlite3.Error, OSError)):
        text = f"The embedded AWS cannot read or write its state: {problem}"
    return AwsError("InternalServerError", text, 500)


def _moto_call(request: Request) -> tuple[str, dict[str, Any]]:
    """Operation and parameters, as far as they can be told without the service's model."""
    if target := request.headers.get("x-amz-target"):
        try:
            document = json.loads(request.body or b"{}")
        except ValueError:
            document = {}
        return target.rpartition(".")[2], document if isinstance(document, dict) else {}
    form = request.form()
    if "Action" in form:
        return form["Action"], {name: value for name, value in form.items() if name not in ("Action", "Version")}
    return f"{request.method} {request.path}", {}


def _error_code(response: Response) -> str | None:
    if response.status < 400:
        return None
    found = _CODE.search(response.body)
    return (found[1] or found[2]).decode() if found else str(response.status)
