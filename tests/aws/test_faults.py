"""Every answer of AWS has its kind."""

import botocore.exceptions as failures
import pytest
from botocore.parsers import ResponseParserError

from flytekitplugins_smfs.aws.faults import KINDS, fault_of
from flytekitplugins_smfs.values.errors import (
    Capacity,
    Conflict,
    Credentials,
    Denied,
    Invalid,
    Missing,
    Throttled,
    Transient,
)


def client_error(code: str, text: str = "", status: int = 400) -> failures.ClientError:
    answer = {"Error": {"Code": code, "Message": text}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return failures.ClientError(answer, "Anything")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (client_error("ThrottlingException", "Rate exceeded"), Throttled),
        (client_error("RequestLimitExceeded", status=503), Throttled),
        (client_error("TooManyRequestsException", status=429), Throttled),
        (client_error("ValidationException", "Rate exceeded"), Throttled),
        (client_error("InternalServerError", status=500), Transient),
        (client_error("SomethingNew", status=503), Transient),
        (failures.ReadTimeoutError(endpoint_url="http://x"), Transient),
        (failures.EndpointConnectionError(endpoint_url="http://x"), Transient),
        (failures.ConnectionClosedError(endpoint_url="http://x"), Transient),
        (client_error("ResourceLimitExceeded"), Capacity),
        (client_error("ServiceLimitExceeded"), Capacity),
        (client_error("ExpiredTokenException"), Credentials),
        (client_error("InvalidClientTokenId", status=403), Credentials),
        (client_error("AccessDeniedException"), Denied),
        (client_error("SomethingNew", status=500), Transient),  # exactly 500, too
        (client_error("SomethingNew", status=403), Denied),
        (failures.NoCredentialsError(), Credentials),
        (failures.CredentialRetrievalError(provider="iam-role", error_msg="timed out"), Credentials),
        (failures.UnauthorizedSSOTokenError(), Credentials),
        (failures.SSOTokenLoadError(error_msg="no token"), Credentials),
        (RuntimeError("Credentials were refreshed, but the refreshed credentials are still expired."), Credentials),
        (failures.IncompleteReadError(actual_bytes=1, expected_bytes=2), Transient),
        (client_error("ResourceInUse"), Conflict),
        (client_error("IncompatibleParameterError"), Conflict),
        (client_error("FileSystemNotFound"), Missing),
        (client_error("ValidationException", "Requested resource not found."), Missing),
        (client_error("ValidationException", "1 validation error detected"), Invalid),
        (client_error("BadRequest"), Invalid),
        (failures.ParamValidationError(report="no"), Invalid),
    ],
)
def test_kind(error: Exception, kind: type) -> None:
    fault = fault_of(error, doing="testing", service="sagemaker", operation="Anything")
    assert type(fault) is kind


def test_the_text_says_what_was_done_awss_words_and_what_to_do() -> None:
    fault = fault_of(client_error("AccessDenied", "not you"), doing="creating x", service="fsx", operation="Create")
    assert fault is not None
    assert str(fault).startswith("While creating x: fsx Create answered AccessDenied: not you")
    assert "policies" in str(fault)


@pytest.mark.parametrize("error", [KeyError("x"), RuntimeError("x"), ResponseParserError("no JSON"), ValueError("x")])
def test_an_answer_that_cannot_be_read_passes(error: Exception) -> None:  # N3
    fault = fault_of(error, doing="reading x", service="fsx", operation="Describe")
    assert (type(fault), fault.code) == (Transient, "UnreadableAnswer")


def test_which_faults_may_pass_is_a_property_of_their_class() -> None:
    passing = {kind.__name__ for kind in KINDS if kind.passing}
    assert passing == {"Throttled", "Transient", "Capacity", "Credentials"}
