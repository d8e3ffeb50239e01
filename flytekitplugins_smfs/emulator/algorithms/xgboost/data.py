"""Reading a channel the way SageMaker's XGBoost does.

Source: ``data_utils`` of AWS's public sagemaker-xgboost-container.
"""

from collections.abc import Callable
from email.message import Message
from pathlib import Path

import xgboost

from ..errors import UserError
from .delimited import load_csv
from .files import data_files
from .libsvm import load_libsvm
from .parquet import load_parquet
from .recordio import load_recordio

_FORMATS = {
    "csv": "csv",
    "libsvm": "libsvm",
    "parquet": "parquet",
    "recordio-protobuf": "recordio-protobuf",
    "text/csv": "csv",
    "text/libsvm": "libsvm",
    "text/x-libsvm": "libsvm",
    "application/x-parquet": "parquet",
    "application/x-recordio-protobuf": "recordio-protobuf",
}
_LOADERS: dict[str, Callable[[list[Path]], "xgboost.DMatrix"]] = {
    "libsvm": load_libsvm,
    "parquet": load_parquet,
    "recordio-protobuf": load_recordio,
}


def content_format(content_type: str | None) -> str:
    """csv, libsvm, parquet or recordio-protobuf for a channel's ContentType; libsvm when it has none."""
    if content_type is None:
        return "libsvm"
    header = Message()
    header["content-type"] = content_type.lower()
    kind = header.get_content_type() if "/" in content_type else content_type.lower().split(";")[0].strip()
    if kind not in _FORMATS:
        raise UserError(f"{content_type} is not an accepted ContentType: {', '.join(_FORMATS)}.")
    if _FORMATS[kind] == "csv" and header.get_param("label_size", "1") != "1":
        raise UserError(
            f"{content_type} is not an accepted csv ContentType. Optional parameter label_size must be equal to 1"
        )
    return _FORMATS[kind]


def load(channel: Path, form: str, weighted: bool) -> "xgboost.DMatrix | None":
    """All files of a channel as one matrix, or None when there is no data."""
    files = data_files(channel)
    if not files:
        return None
    matrix = load_csv(files, weighted) if form == "csv" else _LOADERS[form](files)
    if matrix.get_label().size == 0:
        raise UserError("Got input data without labels. Please check the input data set.")
    return matrix
