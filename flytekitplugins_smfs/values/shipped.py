"""The files that come with the package beside its modules."""

from __future__ import annotations

from importlib import resources

from flytekitplugins_smfs.values.errors import SmfsError


def shipped(package: str, name: str) -> str:
    """The text of the file `name` beside the modules of `package`. SmfsError says which one is missing, and why."""
    file = resources.files(package).joinpath(name)
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise SmfsError(
            f"{file} cannot be read ({error.strerror or error}), which is installed with {package.partition('.')[0]}. "
            "Where code is copied, its data has to come along: install the package in the image, and leave it out of "
            "what is copied."
        ) from error
