"""Amazon FSx for Lustre."""

from .service import service

__all__ = ["service"]
