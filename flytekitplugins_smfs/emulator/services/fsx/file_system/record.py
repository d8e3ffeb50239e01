"""A file system's document: its members, as made and as found."""

import random
import string
from typing import Any

from ....registry import Context
from ..documents import new_id
from .rules import version_of


def new(ctx: Context, request: dict[str, Any], vpc: str, groups: list[str]) -> dict[str, Any]:
    """The document of a new file system; AWS's defaults filled in."""
    id = new_id("fs")
    lustre = request.get("LustreConfiguration", {})
    scratch_1 = lustre.get("DeploymentType", "SCRATCH_1") == "SCRATCH_1"
    mount_name = "fsx" if scratch_1 else "".join(random.choices(string.ascii_lowercase + string.digits, k=8))
    return {
        "OwnerId": ctx.account,
        "CreationTime": ctx.now(),
        "FileSystemId": id,
        "FileSystemType": "LUSTRE",
        "Lifecycle": "CREATING",
        "StorageCapacity": request.get("StorageCapacity"),
        "StorageType": request.get("StorageType", "SSD"),
        "VpcId": vpc,
        "SubnetIds": request["SubnetIds"],
        "NetworkInterfaceIds": [],
        "DNSName": f"{id}.fsx.{ctx.region}.amazonaws.com",
        "KmsKeyId": request.get("KmsKeyId"),
        "ResourceARN": ctx.arn("fsx", f"file-system/{id}"),
        "Tags": request.get("Tags", []),
        "FileSystemTypeVersion": version_of(request),
        "AdministrativeActions": [],
        "NetworkType": request.get("NetworkType", "IPV4"),
        "LustreConfiguration": {
            "DeploymentType": "SCRATCH_1",
            "WeeklyMaintenanceStartTime": "7:05:30",
            "CopyTagsToBackups": False,
            "DataCompressionType": "NONE",
            "LogConfiguration": {"Level": "DISABLED"},
            **lustre,
            "MountName": mount_name,
        },
        "region": ctx.region,
        "groups": groups,
        "fault": ctx.injections.misfortune("resource", "file-system"),
    }
