"""Services of every protocol, found by their directory: no file of the emulator's names them."""

import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.client import Config

from tests.conftest import Emulator

from .services.fsx.test_file_system import refused

PROTOCOLS = {
    "json-1.0": {"protocol": "json", "jsonVersion": "1.0", "targetPrefix": "Widgets10"},
    "json-1.1": {"protocol": "json", "jsonVersion": "1.1", "targetPrefix": "Widgets11"},
    "query": {"protocol": "query", "xmlNamespace": "https://widgets.example.com/"},
    "rest-json": {"protocol": "rest-json"},
    "rest-xml": {"protocol": "rest-xml"},
    "cbor": {"protocol": "smithy-rpc-v2-cbor", "targetPrefix": "WidgetsCbor"},
}
FULL: dict[str, Any] = {
    "Name": "a b/c",
    "Size": 3,
    "Weight": 1.5,
    "Shiny": True,
    "Color": "RED",
    "Born": datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC),
    "Data": b"\x00\xff<&>",
    "Parts": [{"Label": "äö <&>", "Count": 1}, {"Label": "two", "Count": 2}],
    "Tags": {"a": "1", "b": "<2>"},
    "Note": "in a header, perhaps",
}


def name_of(protocol: str) -> str:
    return f"widgets-{protocol.replace('.', '')}"


def shape(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, **more}


def model(protocol: str) -> dict[str, Any]:
    """A service model in which members stand in all places that a protocol has."""
    rest = protocol.startswith("rest")
    spots = {
        "Name": {"location": "uri", "locationName": "name"} if rest else {},
        "Note": {"location": "header", "locationName": "X-Widget-Note"} if rest else {},
        "Detail": {"location": "querystring", "locationName": "detail"} if rest else {},
        "Size": {"locationName": "size"} if rest else {},
    }
    full = {
        name: {"shape": kind, **spots.get(name, {})}
        for name, kind in {
            "Name": "Text", "Size": "Size", "Weight": "Double", "Shiny": "Boolean", "Color": "Color", "Born": "Time",
            "Data": "Blob", "Parts": "Parts", "Tags": "Tags", "Note": "Text", "Token": "Text",
        }.items()
    }  # fmt: skip
    shown = {name: member for name, member in full.items() if name not in ("Name", "Token")}
    http = {
        "MakeWidget": {"method": "POST", "requestUri": "/made/{name}/now" if rest else "/"},
        "GetWidget": {"method": "GET" if rest else "POST", "requestUri": "/made/{name}" if rest else "/"},
    }
    wrapped = {"resultWrapper": "MakeWidgetResult"} if protocol == "query" else {}
    wrapped_get = {"resultWrapper": "GetWidgetResult"} if protocol == "query" else {}
    body = {"locationName": "MakeWidgetRequest"} if protocol == "rest-xml" else {}
    return {
        "version": "2.0",
        "metadata": {
            "apiVersion": "2026-01-01",
            "endpointPrefix": name_of(protocol),
            "signingName": name_of(protocol),
            "serviceId": name_of(protocol).replace("-", " "),
            "serviceFullName": "Widgets",
            "signatureVersion": "v4",
            "protocols": [PROTOCOLS[protocol]["protocol"]],
            **PROTOCOLS[protocol],
        },
        "operations": {
            "MakeWidget": {
                "name": "MakeWidget", "http": http["MakeWidget"], "input": {"shape": "Full", **body},
                "output": {"shape": "Made", **wrapped}, "errors": [{"shape": "NoSuchWidget"}],
            },
            "GetWidget": {
                "name": "GetWidget", "http": http["GetWidget"], "input": {"shape": "Wanted"},
                "output": {"shape": "Shown", **wrapped_get}, "errors": [{"shape": "NoSuchWidget"}],
            },
            "MeltWidget": {"name": "MeltWidget", "http": {"method": "POST", "requestUri": "/melt" if rest else "/"}},
        },
        "shapes": {
            "Full": shape("structure", required=["Name"], members=full),
            "Wanted": shape("structure", required=["Name"], members={
                "Name": full["Name"], "Detail": {"shape": "Text", **spots["Detail"]},
            }),
            "Made": shape("structure", members={"Name": {"shape": "Text"}}),
            "Shown": shape("structure", members={**shown, "State": {"shape": "Text"}, "Detail": {"shape": "Text"}}),
            "NoSuchWidget": shape("structure", members={"Message": {"shape": "Text"}}, exception=True,
                                  error={"code": "NoSuchWidget", "httpStatusCode": 404}),
            "Text": shape("string"), "Double": shape("double"), "Boolean": shape("boolean"), "Time": shape("timestamp"),
            "Blob": shape("blob"), "Size": shape("integer", min=1, max=9),
            "Color": shape("string", enum=["RED", "BLUE"]),
            "Parts": shape("list", member={"shape": "Part"}),
            "Part": shape("structure", members={"Label": {"shape": "Text"}, "Count": {"shape": "Size"}}),
            "Tags": shape("map", key={"shape": "Text"}, value={"shape": "Text"}),
        },
    }  # fmt: skip


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models of all widget services, where botocore's clients look for them."""
    directory = tmp_path_factory.mktemp("models")
    rules = {
        "version": "1.0",
        "parameters": {"Endpoint": {"builtIn": "SDK::Endpoint", "required": True, "type": "String"}},
        "rules": [{"conditions": [], "type": "endpoint", "endpoint": {"url": {"ref": "Endpoint"}}}],
    }
    for protocol in PROTOCOLS:
        place = directory / name_of(protocol) / "2026-01-01"
        place.mkdir(parents=True)
        (place / "service-2.json").write_text(json.dumps(model(protocol)))
        (place / "endpoint-rule-set-1.json").write_text(json.dumps(rules))
    return directory


@pytest.fixture(scope="module")
def widgets(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Emulator]:
    """An emulator with a widget service of every protocol."""
    services = tmp_path_factory.mktemp("services")
    for protocol in PROTOCOLS:
        place = services / name_of(protocol).replace("-", "_")
        shutil.copytree(Path(__file__).with_name("widgets"), place, ignore=shutil.ignore_patterns("__pycache__"))
        (place / "model.json").write_text(json.dumps(model(protocol)))
    running = Emulator(tmp_path_factory.mktemp("widgets") / "state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SMFS_EMULATOR_SERVICES", str(services))
        running.start("--set", "widgets_cbor_making_seconds=30")
    yield running
    running.stop()


@pytest.fixture(params=PROTOCOLS)
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def client(widgets: Emulator, models: Path, protocol: str) -> Any:
    session = botocore.session.Session()
    session.get_component("data_loader").search_paths.append(str(models))
    return session.create_client(
        name_of(protocol),
        endpoint_url=widgets.env["AWS_ENDPOINT_URL"],
        region_name="us-east-1",
        aws_access_key_id=widgets.env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=widgets.env["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"max_attempts": 0}, parameter_validation=False),
    )


def test_every_kind_of_value_comes_back_as_it_was_sent(client: Any, widgets: Emulator, protocol: str) -> None:
    client.make_widget(**FULL)
    shown = client.get_widget(Name=FULL["Name"], Detail="much")
    sent = {name: value for name, value in FULL.items() if name != "Name"}
    assert {name: shown[name] for name in sent} == sent
    assert shown["Detail"] == "much"
    call = widgets.calls()[-1]
    assert (call["service"], call["operation"]) == (name_of(protocol), "GetWidget")


def test_errors_and_constraints_are_the_service_s_own(client: Any) -> None:
    error = refused(client.get_widget, Name="none")
    assert (error["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == ("NoSuchWidget", 404)
    assert error["Message"] == "There is no widget none."
    assert refused(client.make_widget, Name="x", Size=10)["Code"] == "BadWidget"
    assert refused(client.make_widget, Name="x", Color="PINK")["Code"] == "BadWidget"
    error = refused(client.melt_widget)
    assert error["Code"] == "NotImplementedByEmulator"
    assert "MeltWidget" in error["Message"]


UNREADABLE = {
    "json-1.0": b'{"Name": "x", "Born": "noon"}',
    "json-1.1": b'{"Name": "x", "Data": "no base64"}',
    "query": b"Action=MakeWidget&Version=2026-01-01&Name=x&Size=many",
    "rest-json": b'{"size": "many"}',
    "rest-xml": b"<MakeWidgetRequest><size>many</size></MakeWidgetRequest>",
    "cbor": b"\x80",
}


@pytest.mark.parametrize(
    "body", [None, b"\x00\xff", b"[" * 5000, b"<a><b></a>"], ids=["value", "bytes", "deep", "tags"]
)
def test_what_cannot_be_read_is_said_so(client: Any, protocol: str, body: bytes | None) -> None:
    """What a client would not send, in place of the body that it made."""
    if protocol == "query" and body is not None:
        body = b"Action=MakeWidget&Version=2026-01-01&Name=x&Born=" + body
    wanted = UNREADABLE[protocol] if body is None else body

    def replace(params: dict[str, Any], **_: Any) -> None:
        params["body"] = wanted

    client.meta.events.register("before-call.*.MakeWidget", replace)
    error = refused(client.make_widget, Name="x")
    assert error["Code"] == ("MalformedInput" if protocol == "query" else "SerializationException")
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_its_lifecycle_settings_tokens_and_faults_work(client: Any, widgets: Emulator, protocol: str) -> None:
    name = f"life-{protocol}"
    delay = f"{name_of(protocol).replace('-', '_')}_making_seconds"
    assert widgets.settings()[delay] == (30.0 if protocol == "cbor" else 60.0)
    client.make_widget(Name=name, Token="t")
    client.make_widget(Name=name, Token="t")
    assert refused(client.make_widget, Name=name, Token="t", Size=2)["Code"] == "TokenUsed"
    assert client.get_widget(Name=name)["State"] == "MAKING"
    widgets.faults({"widget": "breaks", "name": f"broken-{protocol}"})
    client.make_widget(Name=f"broken-{protocol}")
    widgets.clock(advance=61)
    assert client.get_widget(Name=name)["State"] == "MADE"
    assert client.get_widget(Name=f"broken-{protocol}")["State"] == "BROKEN: broken"
    widgets.faults({"service": name_of(protocol), "fault": "throttle", "times": 1})
    error = refused(client.get_widget, Name=name)
    assert (error["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == ("SlowDown", 429)
    with pytest.raises(urllib.error.HTTPError):
        widgets.faults({"widget": "melts"})
