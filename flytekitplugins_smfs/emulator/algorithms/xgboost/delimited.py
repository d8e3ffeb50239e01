"""CSV: the label first, then perhaps a weight, no header. Empty fields are missing values."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import xgboost

from ..errors import UserError
from .files import first_line, why_no_text

_DELIMITERS = ",;\t| "
Table = np.ndarray[tuple[int, int], np.dtype[Any]]


def load_csv(files: list[Path], weighted: bool) -> "xgboost.DMatrix":
    """All files as one matrix; the delimiter is the one of the first file."""
    delimiters = [_delimiter(path) for path in files]
    tables = [_read(path, delimiters[0]) for path in files]
    widths = {table.shape[1] for table in tables}
    if len(widths) > 1:
        raise UserError(f"Failed to load csv data with exception:\nfiles have different numbers of columns: {widths}")
    table = np.vstack(tables)
    first_feature = 2 if weighted else 1
    return xgboost.DMatrix(
        table[:, first_feature:], label=table[:, 0], weight=table[:, 1] if weighted else None, missing=np.nan
    )


def _delimiter(path: Path) -> str:
    line = first_line(path)
    if cause := why_no_text(path):
        raise UserError(f"Could not determine delimiter on line {line[:50]!a}:\n{cause}")
    try:
        return csv.Sniffer().sniff(line, delimiters=_DELIMITERS).delimiter
    except csv.Error as error:
        raise UserError(f"Could not determine delimiter on line {line[:50]}:\n{error}") from None


def _read(path: Path, delimiter: str) -> Table:
    try:
        return np.loadtxt(path, dtype=np.float32, delimiter=delimiter, ndmin=2)
    except ValueError:
        return _read_with_gaps(path, delimiter)


def _read_with_gaps(path: Path, delimiter: str) -> Table:
    """Like ``loadtxt`` for a file with empty fields."""
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
