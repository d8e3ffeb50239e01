"""The account's long-lived keys: the emulator's own, and IAM's access keys as moto makes and changes them."""

import base64
import logging
import re
import secrets
import sqlite3
import string
from pathlib import Path
from typing import Any

from .messages import Request, Response
from .moto_backend import MotoBackend
from .settings import Settings
from .signatures import Key, Keys

log = logging.getLogger(__name__)

USER = "emulator"
"""The IAM user whose key the emulator gives to whoever may read its state directory."""
_MEMBER = re.compile(rb"<(AccessKeyId|SecretAccessKey|UserName)>([^<]+)</")
_LETTERS = string.ascii_uppercase + "234567"


def open_keys(path: Path) -> Keys:
    """The table of keys. A damaged one is put aside: sessions end with it, IAM's keys are learned again at start."""
    try:
        return Keys(path)
    except sqlite3.DatabaseError as problem:
        log.error("%s is damaged, a new one is made: %s", path, problem)
        for file in path.parent.glob(f"{path.name}*"):
            if not file.name.endswith(".damaged"):
                file.replace(file.with_name(f"{file.name}.damaged"))
        return Keys(path)


class AccessKeys:
    """Puts them in the table of keys. It learns of IAM's from its answers, also when they are played again at start."""

    def __init__(self, keys: Keys, moto: MotoBackend, settings: Settings) -> None:
        """Make it before ``moto`` starts."""
        self._keys = keys
        self._moto = moto
        self._settings = settings
        moto.observe("CreateAccessKey", self._created)
        moto.observe("UpdateAccessKey", self._updated)
        moto.observe("DeleteAccessKey", self._deleted)

    def furnish(self) -> None:
        """Make the emulator's own user and its key, unless there are. IAM does not list this key: it cannot go."""
        iam = self._iam()
        found = [user for user in iam.list_users()["Users"] if user["UserName"] == USER]
        user = found[0] if found else iam.create_user(UserName=USER)["User"]
        own = self._keys.own()
        if own is not None and (own.arn, own.unique_id) == (user["Arn"], user["UserId"]):
            return
        id = own.id if own else "AKIA" + "".join(secrets.choice(_LETTERS) for _ in range(16))
        secret = own.secret if own else base64.b64encode(secrets.token_bytes(30)).decode()
        self._add(id, secret, user, "emulator")

    def _iam(self) -> Any:
        return self._moto.client("iam", self._settings.region)

    def _add(self, id: str, secret: str, user: dict[str, Any], origin: str) -> None:
        arn = user["Arn"]
        self._keys.add(Key(id, secret, None, arn, arn.split(":")[4], user["UserId"], origin=origin))

    def _created(self, request: Request, response: Response) -> None:
        made = {name.decode(): value.decode() for name, value in _MEMBER.findall(response.body)}
        known = self._keys.find(made["AccessKeyId"])
        if known is None or known.secret != made["SecretAccessKey"]:
            user = self._iam().get_user(UserName=made["UserName"])["User"]
            self._add(made["AccessKeyId"], made["SecretAccessKey"], user, "iam")

    def _updated(self, request: Request, response: Response) -> None:
        form = request.form()
        self._keys.set_active(form.get("AccessKeyId", ""), form.get("Status") == "Active")

    def _deleted(self, request: Request, response: Response) -> None:
        self._keys.remove(request.form().get("AccessKeyId", ""))
