"""The Resource Groups Tagging API: tags over all services, the emulator's own and those that moto has."""

from .service import service

__all__ = ["service"]
