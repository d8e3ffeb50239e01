"""For `pyflyte serve connector --modules flytekitplugins_smfs.flyte.warm`: load everything before the first request.

Otherwise the first create pays for loading boto3 and its service models, out of the 10 seconds that Flyte gives it. It
also tells at once when the settings are missing or wrong.
"""

from __future__ import annotations

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.flyte import logs, outputs, resource
from flytekitplugins_smfs.flyte.config import settings
from flytekitplugins_smfs.flyte.sweeper import SWEEPER
from flytekitplugins_smfs.operations import catalog

__all__ = ["outputs", "resource"]

logs.configure()

_aws = Aws(settings()).quick()
for _service in catalog.clients():
    _aws.client(_service)
for _operation in catalog.names():
    catalog.load(_operation)
SWEEPER.watch(_aws.region)
