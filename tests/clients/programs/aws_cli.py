"""The AWS CLI."""

import json
import tempfile
from pathlib import Path

from common import BODY, BUCKET, PREFIX, main, must, run


def success() -> None:
    with tempfile.TemporaryDirectory() as directory:
        sent, got = Path(directory, "sent"), Path(directory, "got")
        sent.write_bytes(BODY)
        must("aws", "s3", "cp", str(sent), f"s3://{BUCKET}/{PREFIX}/a")
        must("aws", "s3", "cp", f"s3://{BUCKET}/{PREFIX}/a", str(got))
        assert got.read_bytes() == BODY
    assert "a" in must("aws", "s3", "ls", f"s3://{BUCKET}/{PREFIX}/")
    assert json.loads(must("aws", "sts", "get-caller-identity"))["Account"] == "123456789012"
    assert "FileSystems" in json.loads(must("aws", "fsx", "describe-file-systems"))
    must("aws", "s3", "rm", "--recursive", f"s3://{BUCKET}/{PREFIX}/")
    assert "Contents" not in must("aws", "s3api", "list-objects-v2", "--bucket", BUCKET, "--prefix", f"{PREFIX}/")


def failure() -> str:
    copied = run("aws", "s3", "cp", f"s3://{BUCKET}/{PREFIX}/none", "-")
    assert copied.returncode != 0
    assert "(404)" in copied.stderr, copied.stderr
    described = run("aws", "sagemaker", "describe-training-job", "--training-job-name", "none")
    assert described.returncode != 0
    return described.stderr.strip()


main(success, failure)
