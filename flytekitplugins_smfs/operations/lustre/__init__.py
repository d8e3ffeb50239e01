"""FSx for Lustre: file systems and their links to S3."""

from flytekitplugins_smfs.operations.service import Service, Verb

UNLINKING = (
    "fsx:DescribeDataRepositoryAssociations",
    "fsx:TagResource",
    "fsx:UntagResource",
    "fsx:DeleteDataRepositoryAssociation",
)
REMOVAL = ("fsx:DescribeFileSystems", "fsx:DeleteFileSystem", *UNLINKING)
CREATION = ("fsx:CreateFileSystem", "ec2:DescribeSubnets", "ec2:DescribeNetworkInterfaces", *REMOVAL)
SERVICE = Service(
    package=__name__,
    title="FSx for Lustre",
    clients=("fsx", "ec2"),
    holdings=("holdings:FileSystems", "holdings:Associations"),
    sweep="removal:sweep",
    verbs=(
        Verb(
            name="lustre-create",
            home="create:CreateLustre",
            tasks="`create_lustre`, `CreateLustreTask`",
            takes="`LustreSpec`",
            gives="`LustreFileSystem`",
            does="CreateFileSystem until AVAILABLE",
            calls=CREATION,
        ),
        Verb(
            name="lustre-provision",
            home="provision:ProvisionLustre",
            tasks="`provision_lustre`, `ProvisionLustreTask`",
            takes="`LustreSpec`, S3 prefixes by path",
            gives="`LinkedFileSystem`",
            does="CreateFileSystem, then CreateDataRepositoryAssociation for each prefix, until all are AVAILABLE",
            calls=(*CREATION, "fsx:CreateDataRepositoryAssociation"),
            values="lustre.provision:LinkedFileSystem,LinkOptions,ProvisionSpec",
        ),
        Verb(
            name="lustre-delete",
            home="delete:DeleteLustre",
            tasks="`delete_lustre`, `DeleteLustreTask`, `deprovision_lustre`, `DeprovisionLustreTask`",
            takes="the file system, or it with its links",
            gives="`Removed`",
            does="its associations, then DeleteFileSystem, until gone",
            calls=REMOVAL,
        ),
        Verb(
            name="repository-link",
            home="link:LinkRepository",
            tasks="`link_repository`, `LinkRepositoryTask`",
            takes="file system, S3 prefix, path",
            gives="`RepositoryLink`",
            does="CreateDataRepositoryAssociation until AVAILABLE",
            calls=("fsx:CreateDataRepositoryAssociation", *UNLINKING),
        ),
        Verb(
            name="repository-unlink",
            home="unlink:UnlinkRepository",
            tasks="`unlink_repository`, `UnlinkRepositoryTask`",
            takes="the link",
            gives="`Removed`",
            does="DeleteDataRepositoryAssociation until gone",
            calls=UNLINKING,
        ),
        Verb(
            name="repository-import",
            home="repository_import:ImportRepository",
            tasks='`OperationTask(name, "repository-import")`',
            takes="file system, paths",
            gives="`RepositoryImport`",
            does="CreateDataRepositoryTask (import of metadata) until SUCCEEDED",
            calls=(
                "fsx:CreateDataRepositoryTask",
                "fsx:DescribeDataRepositoryTasks",
                "fsx:CancelDataRepositoryTask",
                "fsx:TagResource",
            ),
            values="lustre.repository_task:ImportSpec,RepositoryImport",
        ),
    ),
)
