"""What the store itself reads in a bucket's documents: how new objects are encrypted, and the bucket's tags."""

from collections.abc import Mapping
from functools import lru_cache
from xml.etree import ElementTree

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
ENCRYPTION = "encryption"
TAGGING = "tagging"
KMS = ("aws:kms", "aws:kms:dsse")
_KEY_ID = "-aws-kms-key-id"
_BUCKET_KEY = "-bucket-key-enabled"


@lru_cache(maxsize=64)
def encryption(document: bytes) -> Mapping[str, str]:
    """What is answered of an object that came without a word about encryption, as `About.encryption`.

    Empty for S3's own keys, which are the default of the default. Where the document names no key it is AWS's own for
    S3, of which nothing here knows the ARN: none is answered then.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-bucket-encryption.html
    """
    rule = ElementTree.fromstring(document).find("{*}Rule")
    if rule is None:
        return {}
    algorithm = rule.findtext("{*}ApplyServerSideEncryptionByDefault/{*}SSEAlgorithm", "")
    if algorithm not in KMS:
        return {}
    found = {"": algorithm}
    if key := rule.findtext("{*}ApplyServerSideEncryptionByDefault/{*}KMSMasterKeyID"):
        found[_KEY_ID] = key
    if rule.findtext("{*}BucketKeyEnabled") == "true":
        found[_BUCKET_KEY] = "true"
    return found


def tags(document: bytes) -> dict[str, str]:
    """The tags of a Tagging document."""
    return {
        tag.findtext("{*}Key", ""): tag.findtext("{*}Value", "")
        for tag in ElementTree.fromstring(document).iterfind("{*}TagSet/{*}Tag")
    }


def tagging(tags: Mapping[str, str]) -> bytes:
    """The Tagging document of these tags."""
    root = ElementTree.Element("Tagging", {"xmlns": NAMESPACE})
    tag_set = ElementTree.SubElement(root, "TagSet")
    for key, value in tags.items():
        tag = ElementTree.SubElement(tag_set, "Tag")
        ElementTree.SubElement(tag, "Key").text = key
        ElementTree.SubElement(tag, "Value").text = value
    return bytes(ElementTree.tostring(root, "utf-8", xml_declaration=True))
