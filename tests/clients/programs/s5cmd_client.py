"""s5cmd, which does not heed AWS_ENDPOINT_URL but a variable of its own."""

import os
import tempfile
from pathlib import Path

from common import BODY, BUCKET, PREFIX, main, must, run

WHERE = {"S3_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL_S3"]}


def success() -> None:
    with tempfile.TemporaryDirectory() as directory:
        for number in range(30):
            Path(directory, f"{number}.txt").write_text(str(number))
        Path(directory, "big").write_bytes(BODY)
        must("s5cmd", "cp", f"{directory}/", f"s3://{BUCKET}/{PREFIX}/", **WHERE)
        must("s5cmd", "cp", "--part-size", "5", f"{directory}/big", f"s3://{BUCKET}/{PREFIX}/parts", **WHERE)
        must("s5cmd", "cp", f"s3://{BUCKET}/{PREFIX}/parts", f"{directory}/got", **WHERE)
        assert Path(directory, "got").read_bytes() == BODY
    assert len(must("s5cmd", "ls", f"s3://{BUCKET}/{PREFIX}/*", **WHERE).splitlines()) == 32
    must("s5cmd", "rm", f"s3://{BUCKET}/{PREFIX}/*", **WHERE)


def failure() -> str:
    copied = run("s5cmd", "cat", f"s3://{BUCKET}/{PREFIX}/none", **WHERE)
    assert copied.returncode != 0
    return copied.stderr.strip()


main(success, failure)
