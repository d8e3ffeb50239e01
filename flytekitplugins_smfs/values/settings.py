"""Which AWS to talk to, and the defaults of an installation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, ValidationError

from flytekitplugins_smfs.values.base import Value
from flytekitplugins_smfs.values.errors import SettingsError
from flytekitplugins_smfs.values.shapes import RoleArn, TagKey, TagValue

_PASSWORD = re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*(?=@)")

HOW_TO_CHOOSE = (
    "No AWS is chosen. Set `endpoint` in section [smfs] of the Flyte config file (for example `pyflyte --config "
    "sandbox.config ...`), or FLYTE_SMFS_ENDPOINT in the environment, to `emulator` (the embedded AWS on this "
    "machine: no account, no cost), `aws` (real AWS with your credentials), or the URL of an AWS-compatible endpoint."
)


class Settings(Value):
    """The section `[smfs]` of the Flyte config file; `FLYTE_SMFS_<NAME>` in the environment wins over it."""

    endpoint: Annotated[str, Field(pattern=r"^(emulator|aws|https?://\S+)$")]
    """`emulator`, `aws`, or a URL."""
    s3_endpoint: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None
    """Where S3 is, if not at `endpoint`. Only with a URL."""
    region: str | None = None
    """Without one: the AWS profile's or AWS_REGION's; `us-east-1` on the emulator."""
    profile: str | None = None
    role: RoleArn | None = None
    """Execution role of jobs."""
    subnet_id: str | None = None
    availability_zone: str | None = None
    """Zone whose default subnet is used where a spec names none."""
    security_group_ids: tuple[str, ...] = ()
    output_uri: str | None = None
    """S3 prefix of outputs; without one `s3://sagemaker-<region>-<account>`."""
    tags: Annotated[dict[TagKey, TagValue], Field(max_length=5)] = Field(default_factory=dict)
    """Put on everything that is created; at most 5."""
    requests_per_second: Annotated[float, Field(gt=0)] | None = None
    """Upper bound for each AWS operation; without one the measured limits of each."""
    emulator_state: str | None = None
    """Directory of the emulator's state; without one its own default."""

    @classmethod
    def of(cls, given: Mapping[str, str | None]) -> Settings:
        """Build from texts (lists comma-separated, tags `key=value,...`). Raises SettingsError with every problem."""
        fields: dict[str, object] = {name: text.strip() for name, text in given.items() if text and text.strip()}
        if "endpoint" not in fields:
            raise SettingsError(HOW_TO_CHOOSE)
        if "security_group_ids" in fields:
            groups = str(fields["security_group_ids"]).split(",")
            fields["security_group_ids"] = [group.strip() for group in groups if group.strip()]
        if "tags" in fields:
            pairs = [pair.partition("=") for pair in str(fields["tags"]).split(",") if pair.strip()]
            fields["tags"] = {key.strip(): value.strip() for key, _, value in pairs}
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            lines = [f"  - {'.'.join(map(str, e['loc']))}: {e['msg']} (given: {e['input']!r})" for e in error.errors()]
            said = without_password("\n".join(["The [smfs] settings are not valid:", *lines]))
            raise SettingsError(said) from error

    @property
    def described(self) -> str:
        """Which AWS this is, for the first line of a run."""
        names = {"emulator": "the embedded AWS emulator on this machine", "aws": "real AWS"}
        return names.get(self.endpoint, without_password(self.endpoint))


def without_password(text: str) -> str:
    """A text without the names and passwords in its URLs: for whatever is shown."""
    return _PASSWORD.sub("***", text)
