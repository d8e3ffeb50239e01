"""recordIO-protobuf: SageMaker's own format of training records.

Source: "Common Data Formats for Training" in the SageMaker developer guide, which has the schema.
"""

import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import xgboost
from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory

from ..errors import UserError

_MAGIC = 0xCED7230A
_HEAD = struct.Struct("<II")
_PACKAGE = "aialgs.data"
_TENSORS = {
    "float32_tensor": ("Float32Tensor", 2),
    "float64_tensor": ("Float64Tensor", 3),
    "int32_tensor": ("Int32Tensor", 7),
}


def load_recordio(files: list[Path]) -> "xgboost.DMatrix":
    """All records of all files as one matrix: sparse if any record is."""
    try:
        records = [record for path in files for record in _records(path.read_bytes())]
        rows = [_tensor(record.features["values"]) for record in records]
        labels = [label for record in records for label in _label(record)]
        matrix = _sparse(rows) if any(tensor.keys for tensor in rows) else np.array([list(t.values) for t in rows])
        return xgboost.DMatrix(matrix, label=np.array(labels))
    except (ValueError, message.DecodeError, xgboost.core.XGBoostError) as error:
        raise UserError(f"Failed to load recordio-protobuf data with exception:\n{error}") from None


def _records(data: bytes) -> Iterator[Any]:
    record_class = _schema()
    position = 0
    while position < len(data):
        if position + _HEAD.size > len(data):
            raise ValueError(f"Truncated record at offset {position}")
        magic, length = _HEAD.unpack_from(data, position)
        if magic != _MAGIC:
            raise ValueError(f"Invalid RecordIO magic at offset {position}")
        begin, position = position + _HEAD.size, position + _HEAD.size + (length + 3) // 4 * 4
        if position > len(data):
            raise ValueError(f"Truncated record at offset {begin}")
        yield record_class.FromString(data[begin : begin + length])


def _tensor(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind not in _TENSORS:
        raise ValueError(f"a record has {kind or 'no'} values, not a tensor")
    return getattr(value, kind)


def _label(record: Any) -> Iterator[float]:
    if "values" in record.label:
        yield from _tensor(record.label["values"]).values


def _sparse(rows: list[Any]) -> Any:
    from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

    values = np.concatenate([np.array(row.values, dtype=np.float32) for row in rows])
    keys = np.concatenate([np.array(row.keys, dtype=np.int64) for row in rows])
    starts = np.cumsum([0, *(len(row.values) for row in rows)])
    width = max([*(int(row.shape[0]) for row in rows if row.shape), int(keys.max(initial=-1)) + 1])
    return csr_matrix((values, keys, starts), shape=(len(rows), width))


@cache
def _schema() -> Any:
    """The class of ``Record``, made from the documented schema."""
    types = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="record.proto", package=_PACKAGE, syntax="proto2")
    for name, kind in (
        ("Float32Tensor", types.TYPE_FLOAT),
        ("Float64Tensor", types.TYPE_DOUBLE),
        ("Int32Tensor", types.TYPE_INT32),
    ):
        tensor = file.message_type.add(name=name)
        for number, (field, type) in enumerate(
            (("values", kind), ("keys", types.TYPE_UINT64), ("shape", types.TYPE_UINT64)), 1
        ):
            added = tensor.field.add(name=field, number=number, type=type, label=types.LABEL_REPEATED)
            added.options.packed = True
    value = file.message_type.add(name="Value")
    value.oneof_decl.add(name="value")
    for field, (name, number) in _TENSORS.items():
        _add_message(value, field, number, name).oneof_index = 0
    record = file.message_type.add(name="Record")
    for number, (field, entry) in enumerate((("features", "FeaturesEntry"), ("label", "LabelEntry")), 1):
        pair = record.nested_type.add(name=entry)
        pair.options.map_entry = True
        pair.field.add(name="key", number=1, type=types.TYPE_STRING, label=types.LABEL_OPTIONAL)
        _add_message(pair, "value", 2, "Value")
        _add_message(record, field, number, f"Record.{entry}").label = types.LABEL_REPEATED
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Record"))


def _add_message(owner: Any, field: str, number: int, name: str) -> Any:
    types = descriptor_pb2.FieldDescriptorProto
    return owner.field.add(
        name=field,
        number=number,
        type=types.TYPE_MESSAGE,
        type_name=f".{_PACKAGE}.{name}",
        label=types.LABEL_OPTIONAL,
    )
