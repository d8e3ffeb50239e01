"""What the container reads, and what it says of files that it does not."""

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from sagemaker.amazon.common import write_numpy_to_dense_tensor, write_spmatrix_to_sparse_tensor
from scipy.sparse import csr_matrix

from flytekitplugins_smfs.emulator.algorithms.errors import UserError
from flytekitplugins_smfs.emulator.algorithms.xgboost.data import content_format, load
from flytekitplugins_smfs.emulator.algorithms.xgboost.files import data_files

from .container import BINARY, FEATURES, LABELS, Container, as_csv, metrics

RANKS = "\n".join(
    f"{label} qid:{group} 0:{0.1 * label + 0.01 * group:.2f} 1:{0.9 - 0.3 * label:.2f}"
    for group in range(10)
    for label in (2, 1, 0, 0, 1, 2)
)


def test_ranking_by_query_groups(container: Container) -> None:
    ranking = {"num_round": "5", "objective": "rank:pairwise", "eval_metric": "ndcg"}
    container.write(ranking, "text/libsvm", train=RANKS, validation=RANKS)
    code, output = container.run()
    assert code == 0, container.failure
    assert len(metrics(output, "validation:ndcg")) == 5
    assert metrics(output, "validation:ndcg")[-1] > 0.99


def libsvm(folder: Path, text: str) -> Any:
    """The matrix of one file of text."""
    (folder / "part-0").write_text(text)
    return load(folder, "libsvm", False)


def test_libsvm_has_groups_weights_and_gaps(tmp_path: Path) -> None:
    matrix = libsvm(tmp_path, "1 qid:1 0:0.5 3:1\n0 qid:1 1:2 2:1\n2 qid:7 0:1 1:1\n")
    assert matrix.get_label().tolist() == [1, 0, 2]
    assert matrix.get_uint_info("group_ptr").tolist() == [0, 2, 3]
    assert matrix.num_nonmissing() == 6
    assert libsvm(tmp_path, "1:0.25 0:1 1:1\n0:4 0:2 1:1\n").get_weight().tolist() == [0.25, 4]


def test_libsvm_of_several_files_is_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"part {number:02}?#;x").write_text(f"{number} 0:1 1:1")
    matrix = load(tmp_path, "libsvm", False)
    assert matrix is not None
    assert matrix.get_label().tolist() == list(range(12))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a 0:1 1:1", "First line 'a 0:1 1:1...' of file 'part-0' is not 'LIBSVM' format"),
        ("1 0:1 1", "is not 'LIBSVM' format"),
        ("1:2:3 0:1 1:1", "is not 'LIBSVM' format"),
        ("1,2,3", "is not 'LIBSVM' format"),
        ("1 0:1 1:1\n1 -1:4", "Failed to load libsvm data with exception:"),
    ],
)
def test_libsvm_that_is_none(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(UserError) as raised:
        libsvm(tmp_path, text)
    assert problem in str(raised.value)
    assert "Stack trace" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "change", "cause"),
    [
        ("d.csv.gz", gzip.compress, "'d.csv.gz' is compressed with gzip"),
        ("d.csv", lambda text: b"\xef\xbb\xbf" + text, "'d.csv' begins with the byte order mark of UTF-8"),
        ("d.csv", lambda text: text.decode().encode("utf-16"), "the byte order mark of UTF-16"),
    ],
)
@pytest.mark.parametrize("form", ["text/csv", "text/libsvm"])
def test_text_in_disguise_is_refused_naming_the_cause(
    container: Container, name: str, change: Callable[[bytes], bytes], cause: str, form: str
) -> None:
    container.write(BINARY, form, train="")
    container.put("train", name, change(as_csv().encode() if form == "text/csv" else b"1 0:1 1:1\n"))
    assert container.run()[0] == 1
    assert container.failure.startswith("ClientError: ")
    assert cause in container.failure
    assert "header" not in container.failure


@pytest.mark.parametrize("name", [".DS_Store", "deep/.part-0.crc"])
@pytest.mark.parametrize("channel", ["train", "validation"])
def test_a_hidden_file_fails_the_job_by_name(container: Container, channel: str, name: str) -> None:
    container.write(BINARY, train=as_csv(), validation=as_csv())
    container.put(channel, name, b"")
    assert container.run()[0] == 1
    text = f"ClientError: Hidden file found in the data path! Remove that before training. ({name})"
    assert container.failure == text


def test_empty_files_are_passed_over_and_deep_ones_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "_SUCCESS").touch()
    for folder in ("", "a", "a/b", "a/b/c"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "_part").write_text("1,2")
    assert [str(path.relative_to(tmp_path)) for path in data_files(tmp_path)] == ["_part", "a/_part", "a/b/_part"]
    assert "exceed the limit 3" in capsys.readouterr().out


def as_parquet(**columns: Any) -> bytes:
    """A file of the given columns."""
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), file)
    return file.getvalue()


@pytest.mark.parametrize("content_type", ["application/x-parquet", "parquet"])
def test_parquet(container: Container, content_type: str) -> None:
    container.write(BINARY, content_type, train="", validation="")
    features = {f"f{n}": column for n, column in enumerate(FEATURES.T)}
    for channel in ("train", "validation"):
        container.put(channel, "part-0.parquet", as_parquet(label=LABELS, **features))
    code, output = container.run()
    assert code == 0, container.failure
    assert "200 rows and 4 columns" in output
    assert len(metrics(output, "validation:logloss")) == 5
    assert container.accuracy(FEATURES, LABELS) > 0.9


def test_parquet_of_whole_numbers_truths_and_nulls(tmp_path: Path) -> None:
    columns = {"label": [1, 0, 1], "whole": [1, None, 3], "truth": [True, False, None], "real": [0.5, None, None]}
    (tmp_path / "a").write_bytes(as_parquet(**columns))
    (tmp_path / "b").write_bytes(as_parquet(**columns))
    matrix = load(tmp_path, "parquet", False)
    assert matrix is not None
    assert (matrix.num_row(), matrix.num_col(), matrix.num_nonmissing()) == (6, 3, 10)
    assert matrix.get_label().tolist() == [1, 0, 1, 1, 0, 1]


@pytest.mark.parametrize("content", [b"1,2,3\n", as_parquet(label=[1], word=["x"])], ids=["no parquet", "words"])
def test_parquet_that_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(UserError, match="Failed to load parquet data with exception:"):
        load(tmp_path, "parquet", False)


def as_recordio(labels: bool = True, sparse: bool = False, kind: type = np.float32) -> bytes:
    """The test's data as the SageMaker SDK writes them."""
    file = io.BytesIO()
    given = LABELS.astype(kind) if labels else None
    if sparse:
        write_spmatrix_to_sparse_tensor(file, csr_matrix(FEATURES.astype(kind)), given)
    else:
        write_numpy_to_dense_tensor(file, FEATURES.astype(kind), given)
    return file.getvalue()


@pytest.mark.parametrize("sparse", [False, True])
def test_recordio_protobuf(container: Container, sparse: bool) -> None:
    container.write(BINARY, "application/x-recordio-protobuf", train="")
    container.put("train", "part-0.pbr", as_recordio(sparse=sparse))
    code, output = container.run()
    assert code == 0, container.failure
    assert "200 rows and 4 columns" in output
    assert container.accuracy(FEATURES, LABELS) > 0.9


@pytest.mark.parametrize("kind", [np.float64, int])
def test_recordio_protobuf_of_other_numbers(tmp_path: Path, kind: type) -> None:
    (tmp_path / "a").write_bytes(as_recordio(kind=kind))
    matrix = load(tmp_path, "recordio-protobuf", False)
    assert matrix is not None
    assert np.allclose(matrix.get_data().toarray(), FEATURES.astype(kind), atol=1e-6)
    assert matrix.get_label().tolist() == LABELS.tolist()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (as_recordio()[:-4], "Truncated record"),
        (as_recordio() + b"\x00", "Truncated record"),
        (b"1,2,3\n4,5,6\n", "Invalid RecordIO magic at offset 0"),
        (as_recordio(labels=False), "Got input data without labels"),
        (b"\x0a\x23\xd7\xce\x04\x00\x00\x00\xff\xff\xff\xff", "Failed to load recordio-protobuf data"),
        (b"\x0a\x23\xd7\xce\x00\x00\x00\x00", "a record has no values"),
    ],
    ids=["cut short", "too long", "csv", "no labels", "no protobuf", "empty record"],
)
def test_recordio_protobuf_that_is_none(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(UserError, match=problem):
        load(tmp_path, "recordio-protobuf", False)


@pytest.mark.parametrize(
    ("content_type", "form"),
    [
        (None, "libsvm"),
        ("text/x-libsvm", "libsvm"),
        ("text/csv; label_size=1; charset=utf8", "csv"),
        ("CSV", "csv"),
        ("recordio-protobuf", "recordio-protobuf"),
    ],
)
def test_content_types(content_type: str | None, form: str) -> None:
    assert content_format(content_type) == form


@pytest.mark.parametrize("content_type", ["application/json", "image/png", "text/csv;label_size=2"])
def test_content_types_that_are_refused(content_type: str) -> None:
    with pytest.raises(UserError, match="is not an accepted"):
        content_format(content_type)


def test_a_channel_that_xgboost_does_not_know(container: Container) -> None:
    container.write(BINARY, train=as_csv(), holdout=as_csv())
    assert container.run()[0] == 1
    assert container.failure == "ClientError: Extraneous channel found: holdout"


def test_the_same_file_in_both_channels_is_told_of(container: Container) -> None:
    container.write(BINARY, train=as_csv(), validation=as_csv())
    code, output = container.run()
    assert code == 0
    assert "WARNING:root:Suspected identical files found." in output
