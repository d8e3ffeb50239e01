"""Parquet: the label in the first column, features in the others."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import xgboost

from ..errors import UserError


def load_parquet(files: list[Path]) -> "xgboost.DMatrix":
    """All files as one matrix. Nulls are missing values."""
    for name in ("pandas", "pyarrow"):
        if sys.modules.get(name, ...) is None:
            del sys.modules[name]  # kept away from XGBoost, which would take a second to import it
    import pyarrow  # type: ignore[import-untyped]

    try:
        tables = [_read(path) for path in files]
        table = np.vstack(tables)
    except (pyarrow.ArrowException, ValueError, TypeError, OSError) as error:
        raise UserError(f"Failed to load parquet data with exception:\n{error}") from None
    return xgboost.DMatrix(table[:, 1:], label=table[:, 0], missing=np.nan)


def _read(path: Path) -> "np.ndarray[tuple[int, int], np.dtype[Any]]":
    import pyarrow.parquet  # type: ignore[import-untyped]

    table = pyarrow.parquet.read_table(path)
    columns = [column.to_numpy().astype(np.float64) for column in table.columns]
    return np.column_stack(columns).astype(np.float32)
