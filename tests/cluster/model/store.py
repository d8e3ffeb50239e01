"""Flyte's bucket: where inputs, outputs, decks and code lie."""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import urlparse

from botocore.exceptions import ClientError
from flyteidl.core.literals_pb2 import LiteralMap

M = TypeVar("M")


class Store:
    """A bucket of an S3, and documents of flyteidl in it."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3, self.bucket = s3, bucket

    def prepare(self) -> None:
        """Make the bucket where there is none."""
        try:
            self._s3.create_bucket(Bucket=self.bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                raise

    def uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def write(self, uri: str, message: Any) -> None:
        bucket, key = _place(uri)
        self._s3.put_object(Bucket=bucket, Key=key, Body=message.SerializeToString())

    def read(self, uri: str, kind: type[M]) -> M | None:
        """None if there is nothing."""
        bucket, key = _place(uri)
        try:
            body = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise
        message: Any = kind()
        message.ParseFromString(body)
        return message  # type: ignore[no-any-return]

    def literals(self, uri: str) -> LiteralMap | None:
        return self.read(uri, LiteralMap)

    def holds(self, uri: str) -> bool:
        bucket, key = _place(uri)
        return bool(self._s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("KeyCount"))

    def upload_url(self, key: str, md5: str) -> str:
        """Where to PUT a file with this checksum."""
        asked = {"Bucket": self.bucket, "Key": key, "ContentMD5": md5}
        return str(self._s3.generate_presigned_url("put_object", Params=asked, ExpiresIn=600))

    def download_url(self, uri: str) -> str:
        bucket, key = _place(uri)
        return str(self._s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=600))


def _place(uri: str) -> tuple[str, str]:
    parts = urlparse(uri)
    return parts.netloc, parts.path.lstrip("/")
