"""A service that no table knows: tests copy it beside the emulator's own, once per protocol."""

from .service import service

__all__ = ["service"]
