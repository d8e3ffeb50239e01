"""Identity and Access Management, as far as moto has it not: whether a principal's policies allow something."""

from .service import service

__all__ = ["service"]
