"""Which of moto's services answers a request, found once rather than at each request.

A start plays all requests again that changed moto's state: it takes half as long by this.
Private names of moto: ``get_backend_for_host`` of its application, ``method_names_from_class`` of its responses.
"""

from functools import cache
from typing import Any

from moto.core import responses
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app


class _Application(DomainDispatcherApplication):
    """moto looks through its folders twice for each request; what it finds for a host stays the same."""

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self._found = cache(super().get_backend_for_host)

    def get_backend_for_host(self, host: str | None) -> Any:
        return self._found(host)


def application() -> Any:
    """All of moto as one WSGI application."""
    private: Any = responses
    if not hasattr(private.method_names_from_class, "cache_info"):
        private.method_names_from_class = cache(private.method_names_from_class)
    return _Application()
