"""Workflows of connector steps alone."""

from flytekit import workflow

from flytekitplugins_smfs import LustreSpec, Removed, create_lustre, delete_lustre


@workflow
def there_and_back(spec: LustreSpec = LustreSpec()) -> Removed:
    return delete_lustre(file_system=create_lustre(spec=spec))
