"""What keeps SageMaker's own SDKs on this machine."""

from typing import Any

VARIABLE = "SAGEMAKER_USER_CONFIG_OVERRIDE"
"""Names the SDKs' file of defaults."""


def sdk_defaults(region: str, account: str) -> dict[str, Any]:
    """The content of the SDKs' file of defaults: ``default_bucket()`` would ask AWS's own STS otherwise.

    JSON is YAML, too. The schema is the SDKs' "Configuring and using defaults with the SageMaker Python SDK".
    """
    modules = {"Session": {"DefaultS3Bucket": f"sagemaker-{region}-{account}"}, "TelemetryOptOut": True}
    return {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": modules}}}
