"""Metadata IOPS of a file system: how many there are by default, which may be asked for, and how they change.

Sources: the API reference of CreateFileSystemLustreMetadataConfiguration, UpdateFileSystemLustreMetadataConfiguration
and "Managing metadata performance" in the Lustre guide.
"""

from typing import Any

from ....faults import AwsError

IOPS_OF_A_SERVER = 12000
_IOPS = (1500, 3000, 6000)
_TIERING_IOPS = (6000, 12000)
_MOST = 192000


def shown(configuration: dict[str, Any], capacity: int | None) -> dict[str, Any]:
    """A configuration as DescribeFileSystems shows it: in AUTOMATIC mode with the IOPS of its capacity (GiB)."""
    if configuration["Mode"] == "AUTOMATIC":
        return {"Mode": "AUTOMATIC", "Iops": automatic(capacity or 0)}
    return configuration


def asked(configuration: dict[str, Any]) -> dict[str, Any]:
    """A configuration that is shown as it would be asked for."""
    return {"Mode": "AUTOMATIC"} if configuration["Mode"] == "AUTOMATIC" else configuration


def automatic(capacity: int) -> int:
    """The IOPS that FSx provisions in AUTOMATIC mode for a capacity in GiB."""
    for least, iops in ((48000, 0), (12000, 12000), (4800, 6000), (2400, 3000)):
        if capacity >= least:
            return iops or IOPS_OF_A_SERVER * -(-capacity // 24000)
    return _IOPS[0]


def check(configuration: dict[str, Any], storage: str) -> None:
    """Raise BadRequest unless the configuration is one that a file system of this storage type can have."""
    iops = configuration.get("Iops")
    if storage == "INTELLIGENT_TIERING":
        if configuration["Mode"] != "USER_PROVISIONED" or iops not in _TIERING_IOPS:
            text = "Metadata IOPS must be USER_PROVISIONED, 6000 or 12000, for storage type INTELLIGENT_TIERING."
            raise AwsError("BadRequest", text)
        return
    if configuration["Mode"] == "AUTOMATIC" and iops is not None:
        raise AwsError("BadRequest", "Metadata IOPS cannot be given in AUTOMATIC mode.")
    if configuration["Mode"] == "USER_PROVISIONED":
        valid = iops in _IOPS or (iops is not None and iops % IOPS_OF_A_SERVER == 0 and 0 < iops <= _MOST)
        if not valid:
            text = (
                "Metadata IOPS must be 1500, 3000, 6000, or a multiple of 12000 up to 192000 in USER_PROVISIONED mode."
            )
            raise AwsError("BadRequest", text)


def target(now: dict[str, Any] | None, change: dict[str, Any], storage: str, capacity: int | None) -> dict[str, Any]:
    """The configuration that an update asks for. Raises BadRequest for fewer IOPS than there are, and for none before.

    ``now`` is the configuration as it is shown, ``capacity`` the one after the update.
    """
    if now is None:
        text = "The metadata configuration cannot be updated: the file system was created without one."
        raise AwsError("BadRequest", text)
    mode = change.get("Mode", now["Mode"])
    iops = change.get("Iops")
    if mode == "USER_PROVISIONED" and iops is None and now["Mode"] == mode:
        iops = now["Iops"]
    wanted = {"Mode": mode} if iops is None else {"Mode": mode, "Iops": iops}
    check(wanted, storage)
    if shown(wanted, capacity)["Iops"] < now["Iops"]:
        text = f"Metadata IOPS cannot be decreased; the file system has {now['Iops']}."
        raise AwsError("BadRequest", text)
    return wanted
