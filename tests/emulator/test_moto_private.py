"""What the emulator leans on that moto does not promise."""

from typing import Any

import pytest
from werkzeug.test import Client

from flytekitplugins_smfs.emulator import moto_backend, moto_ids, moto_services


def test_motos_random_ids_can_be_told_from_a_seed() -> None:
    """Else the ids of subnets and the like change with every start, and state that was kept names what is not there."""
    from moto.moto_api._internal import mock_random

    assert moto_backend is not None
    mock_random.seed(7)
    first = [mock_random.get_random_hex(8) for _ in range(3)]
    mock_random.seed(7)
    assert [mock_random.get_random_hex(8) for _ in range(3)] == first


def test_motos_services_are_found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else each request looks through all of moto's folders and methods, and a start plays hundreds again."""
    from moto import backends
    from moto.core import responses

    looks = []
    modules = list(backends.list_of_moto_modules())
    monkeypatch.setattr(backends, "list_of_moto_modules", lambda: looks.append(1) or modules)
    application = moto_services.application()
    for _ in range(3):
        assert application.get_backend_for_host("sqs.us-east-1.amazonaws.com") == "sqs"
        assert application.get_backend_for_host(None) is None
    assert len(looks) == 1
    asked = {"Authorization": "AWS4-HMAC-SHA256 Credential=x/20300101/us-east-1/sqs/aws4_request, Signature=x"}
    names: Any = responses.method_names_from_class
    for hits in (names.cache_info().hits, names.cache_info().hits + 1):
        answer = Client(application).post("/", headers=asked, data={"Action": "ListQueues", "Version": "2012-11-05"})
        assert answer.status_code == 200
        assert names.cache_info().hits >= hits


def test_users_and_groups_can_be_given_ids_when_they_are_made() -> None:
    from moto.iam import models

    moto_ids.have_prefixes()
    moto_ids.have_prefixes()
    user = models.User("123456789012", "us-east-1", "who")
    group = models.Group("123456789012", "us-east-1", "which")
    assert (user.id[:4], len(user.id), group.id[:4], len(group.id)) == ("AIDA", 21, "AGPA", 21)
