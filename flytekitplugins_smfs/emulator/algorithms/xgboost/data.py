"""Reading a channel the way SageMaker's XGBoost does: CSV with the label first and no header, or libsvm."""

import csv
import os
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import numpy as np
import xgboost

from ..errors import UserError

_CSV_TYPES = ("csv", "text/csv")
_LIBSVM_TYPES = ("libsvm", "text/libsvm", "text/x-libsvm")
_OTHER_TYPES = ("parquet", "application/x-parquet", "recordio-protobuf", "application/x-recordio-protobuf")


def content_format(content_type: str | None) -> str:
    """``csv`` or ``libsvm`` for a channel's ContentType; libsvm when it has none, as in the container."""
    if content_type is None:
        return "libsvm"
    header = Message()
    header["content-type"] = content_type.lower()
    kind = header.get_content_type() if "/" in content_type else content_type.lower().split(";")[0].strip()
    if kind in _CSV_TYPES:
        if header.get_param("label_size", "1") != "1":
            raise UserError(
                f"{content_type} is not an accepted csv ContentType. Optional parameter label_size must be equal to 1"
            )
        return "csv"
    if kind in _LIBSVM_TYPES:
        return "libsvm"
    if kind in _OTHER_TYPES:
        raise UserError(f"The embedded XGBoost does not read {kind}; use text/csv or text/libsvm.")
    accepted = ", ".join(_CSV_TYPES + _LIBSVM_TYPES)
    raise UserError(f"{content_type} is not an accepted ContentType: {accepted}.")


def load(channel: Path, form: str, weighted: bool, columns: int | None = None) -> "xgboost.DMatrix | None":
    """All files of a channel as one matrix, or None when there is no data. ``columns`` widens a sparse matrix."""
    files = sorted(_data_files(channel))
    if not files:
        return None
    return _load_csv(files, weighted) if form == "csv" else _load_libsvm(files, columns)


def _data_files(channel: Path) -> Iterator[Path]:
    """Files below the channel, without hidden ones, ``_SUCCESS`` and the like, and empty ones."""
    for folder, _, names in os.walk(channel, followlinks=True):
        for name in names:
            path = Path(folder, name)
            if not name.startswith((".", "_")) and path.is_file() and path.stat().st_size:
                yield path


def _load_csv(files: list[Path], weighted: bool) -> "xgboost.DMatrix":
    with files[0].open(errors="ignore") as first:
        line = first.readline()
    try:
        delimiter = csv.Sniffer().sniff(line, delimiters=",;\t| ").delimiter
    except csv.Error as error:
        raise UserError(f"Could not determine delimiter on line {line[:50]}:\n{error}") from None
    tables = [_read_csv(path, delimiter) for path in files]
    widths = {table.shape[1] for table in tables}
    if len(widths) > 1:
        raise UserError(f"Failed to load csv data with exception:\nfiles have different numbers of columns: {widths}")
    table = np.vstack(tables)
    first_feature = 2 if weighted else 1
    return xgboost.DMatrix(
        table[:, first_feature:], label=table[:, 0], weight=table[:, 1] if weighted else None, missing=np.nan
    )


def _read_csv(path: Path, delimiter: str) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
    try:
        return np.loadtxt(path, dtype=np.float32, delimiter=delimiter, ndmin=2)
    except ValueError:
        return _read_csv_with_gaps(path, delimiter)


def _read_csv_with_gaps(path: Path, delimiter: str) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
    """Like ``loadtxt`` for a file with empty fields, which are missing values."""
    try:
        return np.loadtxt(
            path,
            dtype=np.float32,
            delimiter=delimiter,
            ndmin=2,
            converters=lambda field: float(field) if field.strip() else np.nan,
        )
    except ValueError as error:
        raise UserError(
            f"Failed to load csv data with exception:\n{path.name}: {error} (the file must have no header)"
        ) from None


def _load_libsvm(files: list[Path], columns: int | None) -> "xgboost.DMatrix":
    from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

    labels: list[float] = []
    weights: list[float] = []
    values: list[float] = []
    indices: list[int] = []
    starts = [0]
    for path in files:
        with path.open(errors="ignore") as lines:
            for line in lines:
                tokens = line.split("#")[0].split()
                if not tokens:
                    continue
                try:
                    label, _, weight = tokens[0].partition(":")
                    labels.append(float(label))
                    weights.append(float(weight or 1))
                    for token in tokens[1:]:
                        index, value = token.split(":")
                        indices.append(int(index))
                        values.append(float(value))
                except ValueError:
                    raise UserError(
                        f"First line '{line[:50].rstrip()}...' of file '{path.name}' is not 'LIBSVM' format. "
                        "Please ensure the file is in 'LIBSVM' format."
                    ) from None
                starts.append(len(indices))
    width = max(max(indices, default=0) + 1, columns or 0)
    matrix = csr_matrix((np.array(values, dtype=np.float32), indices, starts), shape=(len(labels), width))
    return xgboost.DMatrix(matrix, label=np.array(labels), weight=np.array(weights) if set(weights) != {1.0} else None)
