"""What points unmodified AWS clients at a running emulator."""

import json
import os
import shlex
from pathlib import Path

from .files import replace_text
from .instance import read_server_file
from .paths import Paths
from .sdk_defaults import VARIABLE, sdk_defaults
from .settings import Settings
from .signatures import Keys

UNSET = ("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE")
"""Variables that would spoil the others: a token belongs to another key, a profile may name another place."""


def variables(paths: Paths) -> dict[str, str]:
    """The variables of the server that runs on a state directory, its own key among them."""
    server, settings, keys = read_server_file(paths), Settings.load(paths.settings), Keys(paths.keys)
    key = keys.own()
    keys.close()
    assert key is not None, "a server makes its key before it says that it runs"
    return {
        "AWS_ENDPOINT_URL": server["url"],
        "AWS_ENDPOINT_URL_S3": server["s3_url"],
        "AWS_ACCESS_KEY_ID": key.id,
        "AWS_SECRET_ACCESS_KEY": key.secret,
        "AWS_DEFAULT_REGION": settings.region,
        "AWS_REGION": settings.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        VARIABLE: str(_sagemaker_defaults(paths, settings)),
    }


def forget_clients() -> None:
    """Take out of this process's environment what configures clients of AWS: it is none, and moto makes some.

    A profile that does not exist, or a file that cannot be read, would end it.
    """
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull


def exports(variables: dict[str, str]) -> str:
    """The variables for a shell's ``eval``."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    return "\n".join([*lines, f"unset {' '.join(UNSET)}"])


def _sagemaker_defaults(paths: Paths, settings: Settings) -> Path:
    """The defaults file of SageMaker's SDKs, written anew."""
    file = paths.state / "sagemaker.yaml"
    text = json.dumps(sdk_defaults(settings.region, settings.account), indent=2)
    if not file.exists() or file.read_text() != text:
        replace_text(file, text)
    return file
