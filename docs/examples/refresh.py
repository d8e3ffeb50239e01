"""Files that others wrote to S3, made known to a file system that stays."""

from flytekit import workflow

from flytekitplugins_smfs import LustreSpec, OperationTask, RepositoryImport, create_lustre, link_repository

import_repository = OperationTask("smfs.import_repository", "repository-import")


@workflow
def refresh(spec: LustreSpec, repository: str) -> RepositoryImport:
    """`spec` has a name: a file system of that name is adopted, and made where there is none."""
    lustre = create_lustre(spec=spec)
    link = link_repository(file_system=lustre, repository=repository, path="/ns1")
    imported = import_repository(file_system=lustre, paths=["ns1"])
    link >> imported
    return imported
