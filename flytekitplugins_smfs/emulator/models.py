"""botocore's service models, each read from disk once in this process."""

from functools import cache
from typing import Any

import botocore.session
from botocore.exceptions import UnknownServiceError
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


_SIGNED_AS = {
    "aps": ("amp",),
    "apigateway": ("apigateway", "apigatewayv2"),
    "appconfig": ("appconfig", "appconfigdata"),
    "connect-campaigns": ("connectcampaigns", "connectcampaignsv2"),
    "elasticfilesystem": ("efs",),
    "es": ("es", "opensearch"),
    "execute-api": ("apigatewaymanagementapi",),
    "greengrass": ("greengrass", "greengrassv2"),
    "iotdata": ("iot-data",),
    "ivs": ("ivs", "ivs-realtime"),
    "kinesisvideo": ("kinesisvideo", "kinesis-video-archived-media"),
    "lex": ("lexv2-models", "lex-models"),
    "mediastore": ("mediastore", "mediastore-data"),
    "mobiletargeting": ("pinpoint",),
    "servicecatalog": ("servicecatalog", "servicecatalog-appregistry"),
    "ses": ("ses", "sesv2", "pinpoint-email"),
}
"""The services, by botocore's names, of a name to sign with, where that is not their own or not theirs alone."""


def signed_as(name: str) -> list[ServiceModel]:
    """The models of the services that sign with a name; of those that moto may know, no more."""
    try:
        return [service_model(one) for one in _SIGNED_AS.get(name, (name,))]
    except UnknownServiceError:
        return []


def speaks(model: ServiceModel, protocol: str) -> bool:
    """Whether a service may be spoken to in a protocol; the model names all of them, or the one it knows."""
    return protocol in model.metadata.get("protocols", [model.metadata["protocol"]])
