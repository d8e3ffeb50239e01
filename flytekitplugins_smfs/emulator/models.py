"""botocore's service models, each read from disk once in this process."""

from functools import cache
from typing import Any

import botocore.session
from botocore.loaders import JSONFileLoader
from botocore.model import ServiceModel

_read = JSONFileLoader.load_file


@cache
def _read_once(path: str) -> Any:
    return _read(JSONFileLoader(), path)


def _share_model_files() -> None:
    """Let all botocore sessions of this process share what they read.

    Every session has a cache of its own, and moto opens many sessions: at start it would parse the same files again
    and again, for half a second. botocore only reads what it has loaded.
    """
    JSONFileLoader.load_file = lambda self, path: _read_once(path)


_share_model_files()
_session = botocore.session.Session()
_session.set_credentials("embedded", "embedded")


def session() -> botocore.session.Session:
    """The session of the emulator's own clients. Its credentials are for nobody."""
    return _session


@cache
def service_model(name: str) -> ServiceModel:
    """The model of a service by botocore's name of it. Raises botocore's UnknownServiceError."""
    return _session.get_service_model(name)


def speaks(model: ServiceModel, protocol: str) -> bool:
    """Whether a service may be spoken to in a protocol; the model names all of them, or the one it knows."""
    return protocol in model.metadata.get("protocols", [model.metadata["protocol"]])
