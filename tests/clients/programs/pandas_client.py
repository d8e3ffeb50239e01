"""pandas with pyarrow, which reads S3 by itself."""

import pandas
import pyarrow.fs
from common import BUCKET, PREFIX, main


def success() -> None:
    frame = pandas.DataFrame({"number": range(200_000), "text": [str(i % 7) for i in range(200_000)]})
    frame.to_parquet(f"s3://{BUCKET}/{PREFIX}/table.parquet", engine="pyarrow", row_group_size=10_000)
    again = pandas.read_parquet(f"s3://{BUCKET}/{PREFIX}/table.parquet", engine="pyarrow")
    assert again.equals(frame)
    some = pandas.read_parquet(
        f"s3://{BUCKET}/{PREFIX}/table.parquet", columns=["text"], filters=[("number", ">", 199_000)]
    )
    assert len(some) == 999
    files, _ = pyarrow.fs.FileSystem.from_uri(f"s3://{BUCKET}/{PREFIX}")
    found = files.get_file_info(pyarrow.fs.FileSelector(f"{BUCKET}/{PREFIX}"))
    assert [info.base_name for info in found] == ["table.parquet"]


def failure() -> str:
    try:
        pandas.read_parquet(f"s3://{BUCKET}/{PREFIX}/none.parquet")
    except FileNotFoundError as missing:
        return f"FileNotFoundError {missing}"
    return ""


main(success, failure)
