"""Kinds of text that several values hold, with AWS's limits: the patterns and lengths of its service models."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

TagKey = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$")]
TagValue = Annotated[str, Field(max_length=256, pattern=r"^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$")]
MAX_TAGS = 40
"""Tags of one's own; AWS takes 50, and this package and an installation's settings add theirs."""
Tags = Annotated[dict[TagKey, TagValue], Field(max_length=MAX_TAGS)]

RoleArn = Annotated[
    str, Field(min_length=20, max_length=2048, pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+$")
]
KmsKeyId = Annotated[str, Field(min_length=1, max_length=2048, pattern=r"^\S+$")]
NetworkId = Annotated[str, Field(max_length=32, pattern=r"^[-0-9a-zA-Z]+$")]
"""Of a subnet or a security group."""

VariableName = Annotated[str, Field(max_length=512, pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")]
VariableValue = Annotated[str, Field(max_length=512)]
