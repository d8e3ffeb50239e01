"""Security Token Service: who a key is, and sessions with keys of their own."""

from .service import service

__all__ = ["service"]
