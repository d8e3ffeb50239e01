"""The ids of IAM's users and groups, which moto makes of small letters and without the prefix that tells them apart.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
"""

from typing import Any

_PREFIXES = {"User": "AIDA", "Group": "AGPA"}
_LENGTH = 21


def have_prefixes() -> None:
    """From now on users and groups that moto makes have ids as IAM's are. What is called twice does it once."""
    from moto.iam import models

    for name, prefix in _PREFIXES.items():
        kind = getattr(models, name)
        if not getattr(kind.__init__, "prefixed", False):
            kind.__init__ = _prefixed(kind.__init__, prefix)


def _prefixed(make: Any, prefix: str) -> Any:
    from moto.iam.utils import generate_access_key_id_from_account_id

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        self.id = generate_access_key_id_from_account_id(self.account_id, prefix, _LENGTH)

    init.prefixed = True  # type: ignore[attr-defined]
    return init
