"""A Lustre file system as a job mounts it."""

from ....mounts import Mount
from ....registry import Context
from ..documents import FILE_SYSTEM
from ..service import service
from .rules import LUSTRE_PORTS


@service.mount("FSxLustre")
def mount(ctx: Context, id: str) -> Mount | None:
    """Where it is, and what must be open to reach it. In an UPDATE it can still be mounted."""
    doc = ctx.store.get(FILE_SYSTEM, id)
    if doc is None:
        return None
    interfaces = ctx.ec2.interfaces(doc["NetworkInterfaceIds"])
    subnets = [ctx.ec2.subnet(subnet) for subnet in doc["SubnetIds"]]
    return Mount(
        id=id,
        available=doc["Lifecycle"] in ("AVAILABLE", "UPDATING"),
        mount_name=doc["LustreConfiguration"]["MountName"],
        zones=frozenset(subnet.zone for subnet in subnets if subnet is not None),
        groups=sorted({group for interface in interfaces for group in interface.groups}),
        ports=LUSTRE_PORTS,
        root=ctx.paths.filesystems / id,
    )
