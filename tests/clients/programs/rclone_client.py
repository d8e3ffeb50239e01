"""rclone."""

import os
import tempfile
from pathlib import Path

from common import BODY, BUCKET, PREFIX, REGION, main, must, run

WHERE = {
    "RCLONE_CONFIG": "/dev/null",
    "RCLONE_CONFIG_HERE_TYPE": "s3",
    "RCLONE_CONFIG_HERE_PROVIDER": "Other",
    "RCLONE_CONFIG_HERE_ENV_AUTH": "true",
    "RCLONE_CONFIG_HERE_REGION": REGION,
    "RCLONE_CONFIG_HERE_ENDPOINT": os.environ["AWS_ENDPOINT_URL_S3"],
}
REMOTE = f"here:{BUCKET}/{PREFIX}"


def success() -> None:
    with tempfile.TemporaryDirectory() as directory:
        source, target = Path(directory, "source"), Path(directory, "target")
        (source / "d").mkdir(parents=True)
        (source / "big").write_bytes(BODY)
        (source / "d" / "small").write_text("x")
        must("rclone", "copy", str(source), REMOTE, "--s3-upload-cutoff", "5M", **WHERE)
        must("rclone", "check", str(source), REMOTE, **WHERE)
        must("rclone", "sync", REMOTE, str(target), **WHERE)
        assert (target / "big").read_bytes() == BODY
        assert (target / "d" / "small").read_text() == "x"
    assert sorted(must("rclone", "lsf", "-R", REMOTE, **WHERE).split()) == ["big", "d/", "d/small"]
    must("rclone", "purge", REMOTE, **WHERE)


def failure() -> str:
    copied = run("rclone", "lsf", f"here:{PREFIX}-none", "--retries", "1", **WHERE)
    assert copied.returncode != 0
    return copied.stderr.strip()


main(success, failure)
