"""A directory of files that is in S3, and how well a model does on held-out data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from flytekitplugins_smfs.values.base import Result, Timing
from flytekitplugins_smfs.values.errors import Problem
from flytekitplugins_smfs.values.uris import S3Uri

Count = Annotated[int, Field(ge=0)]


class Dataset(Result):
    """A directory's files as they are now under an S3 prefix."""

    uri: S3Uri
    """The prefix, without a trailing slash."""
    files: Count
    size_bytes: Count
    """Size of all files together."""
    uploaded: Count
    """Files that were sent because S3 had none of this content."""
    skipped: Count
    """Files that S3 already had."""
    deleted: Count = 0
    """Objects removed because the directory no longer has them."""
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    """Stands for all names and contents: two data sets have the same exactly when they hold the same files."""
    timing: Timing


class Evaluation(Result):
    """What a classifier answered on data it had never seen."""

    model_uri: S3Uri
    labels: tuple[str, ...]
    confusion: tuple[tuple[Count, ...], ...]
    """Row: the true label. Column: the label predicted. Both in the order of `labels`."""
    timing: Timing

    def problems(self) -> Iterator[Problem]:
        size = len(self.labels)
        if len(self.confusion) != size or any(len(row) != size for row in self.confusion):
            yield Problem("confusion", f"must have {size} rows and columns, as many as there are labels.")

    @property
    def examples(self) -> int:
        """How many were judged."""
        return sum(map(sum, self.confusion))

    @property
    def accuracy(self) -> float:
        """The part that was right, from 0 to 1; 0 without examples."""
        right = sum(row[at] for at, row in enumerate(self.confusion))
        return right / self.examples if self.examples else 0.0
