"""s3fs."""

import s3fs
from common import BODY, BUCKET, PREFIX, main


def success() -> None:
    files = s3fs.S3FileSystem()
    with files.open(f"{BUCKET}/{PREFIX}/a", "wb") as out:
        out.write(BODY)
    assert files.cat(f"{BUCKET}/{PREFIX}/a") == BODY
    with files.open(f"{BUCKET}/{PREFIX}/a", "rb") as part:
        part.seek(5 * 2**20 + 3)
        assert part.read(5) == BODY[3:8]
    files.pipe(f"{BUCKET}/{PREFIX}/d/b", b"x")
    assert sorted(files.find(f"{BUCKET}/{PREFIX}")) == [f"{BUCKET}/{PREFIX}/a", f"{BUCKET}/{PREFIX}/d/b"]
    files.cp(f"{BUCKET}/{PREFIX}/d/b", f"{BUCKET}/{PREFIX}/c")
    files.rm(f"{BUCKET}/{PREFIX}", recursive=True)
    files.invalidate_cache()
    assert not files.exists(f"{BUCKET}/{PREFIX}/c")


def failure() -> str:
    try:
        s3fs.S3FileSystem().cat(f"{BUCKET}/{PREFIX}/none")
    except FileNotFoundError as missing:
        return f"FileNotFoundError {missing}"
    return ""


main(success, failure)
