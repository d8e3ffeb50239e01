"""moto's clock, set back while its journal is replayed, so that times of creation repeat too."""

import datetime
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import moto.core.utils


@contextmanager
def moto_at(moment: float) -> Iterator[None]:
    """Within, moto takes this epoch time for now."""

    class Then(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return datetime.datetime.fromtimestamp(moment, tz)

    utils: Any = moto.core.utils
    actual = utils.datetime
    utils.datetime = types.SimpleNamespace(**{**vars(actual), "datetime": Then})
    try:
        yield
    finally:
        utils.datetime = actual
