"""Plain data: what JSON has, and what AWS answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]
"""An object of JSON, to be filled."""
Record = Mapping[str, Any]
"""What AWS describes, by the names of its service models."""
