"""FSx for Lustre: file systems and their links to S3."""

from flytekitplugins_smfs.operations.service import Service, Verb

UNLINKING = (
    "fsx:DescribeDataRepositoryAssociations",
    "fsx:TagResource",
    "fsx:UntagResource",
    "fsx:DeleteDataRepositoryAssociation",
)
REMOVAL = ("fsx:DescribeFileSystems", "fsx:DeleteFileSystem", *UNLINKING)
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
            calls=("fsx:CreateFileSystem", "ec2:DescribeSubnets", "ec2:DescribeNetworkInterfaces", *REMOVAL),
        ),
        Verb(
            name="lustre-delete",
            home="delete:DeleteLustre",
            tasks="`delete_lustre`, `DeleteLustreTask`",
            takes="the file system",
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
