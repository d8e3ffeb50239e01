"""Search: jobs by any of their properties.

What has just changed is found at once; AWS's index follows some time later.
"""

from collections.abc import Callable
from typing import Any

from ....faults import AwsError, NotImplementedByEmulator
from ....models import service_model
from ....registry import Context
from ....store import Doc
from ..documents import of_region
from ..paging import page
from ..service import service
from ..tags import record as tags
from ..training_job.record import TRAINING_JOB, description
from ..tuning_job.record import TUNING_JOB, tuning_description
from .expressions import Record, Test, find, ordered, test_of

_KINDS: dict[str, tuple[str, Callable[[Context, Doc], Record]]] = {
    "TrainingJob": (TRAINING_JOB, description),
    "HyperParameterTuningJob": (TUNING_JOB, tuning_description),
}


@service.operation("Search")
def search(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Search: last modified first unless asked otherwise, in pages."""
    resource = request["Resource"]
    if resource not in _KINDS:
        raise NotImplementedByEmulator(f"Search of {resource}")
    if request.get("CrossAccountFilterOption") == "CrossAccount":
        raise NotImplementedByEmulator("Search with CrossAccountFilterOption CrossAccount")
    kind, describe = _KINDS[resource]
    shape = service_model("sagemaker").shape_for("SearchRecord").members[resource]
    tests = [_visible(shape, condition) for condition in request.get("VisibilityConditions", [])]
    if "SearchExpression" in request:
        tests.append(test_of(shape, request["SearchExpression"]))
    records = [{**describe(ctx, doc), "Tags": tags.of(ctx, doc["arn"])} for doc in of_region(ctx, kind)]
    found = ordered(
        shape,
        [record for record in records if all(test(record) for test in tests)],
        request.get("SortBy", "LastModifiedTime"),
        request.get("SortOrder", "Descending") == "Descending",
    )
    some, token = page(found, request)
    return {
        "Results": [{resource: record} for record in some],
        "NextToken": token,
        "TotalHits": {"Value": len(found), "Relation": "EqualTo"},
    }


def _visible(shape: Any, condition: dict[str, str]) -> Test:
    """Records that have the tag must have it with this value; those that do not have it are visible."""
    key, wanted = condition.get("Key", ""), condition.get("Value")
    if not key.startswith("Tags."):
        raise AwsError("ValidationException", f"The key of a visibility condition must be Tags.<key>: {key}")
    tag = find(shape, key)
    return lambda record: all(value == wanted for value in tag.values(record))
