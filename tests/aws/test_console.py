"""Pages of the AWS console, in every partition."""

import pytest

from flytekitplugins_smfs.aws.console import link
from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.values.settings import Settings


@pytest.mark.parametrize(
    ("region", "url"),
    [
        ("eu-west-1", "https://eu-west-1.console.aws.amazon.com/fsx/home"),
        ("cn-north-1", "https://cn-north-1.console.amazonaws.cn/fsx/home"),
        ("us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com/fsx/home"),
    ],
)
def test_the_host_is_the_partitions(region: str, url: str) -> None:  # C37
    (found,) = link(Aws(Settings(endpoint="aws", region=region)), "File system", "fsx/home")
    assert (found.name, found.url) == ("File system", url)


def test_there_is_no_console_elsewhere() -> None:
    assert link(Aws(Settings(endpoint="http://127.0.0.1:9", region="us-east-1")), "File system", "fsx/home") == ()
