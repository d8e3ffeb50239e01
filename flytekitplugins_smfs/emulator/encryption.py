"""What the other services ask of KMS: whether there is a key."""

from botocore.exceptions import ClientError

from .moto_backend import MotoBackend


class Keys:
    """Questions to KMS of one region."""

    def __init__(self, moto: MotoBackend, region: str) -> None:
        self._moto = moto
        self._region = region

    def at(self, region: str) -> "Keys":
        """The keys of another region."""
        return self if region == self._region else Keys(self._moto, region)

    def arn(self, name: str) -> str | None:
        """The ARN of the key that an id, an alias or an ARN names; None if there is none."""
        try:
            found = self._moto.client("kms", self._region).describe_key(KeyId=name)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NotFoundException", "InvalidArnException"):
                return None
            raise
        return str(found["KeyMetadata"]["Arn"])
