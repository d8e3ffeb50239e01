"""Where a spec waits for its turn: a file beside the task's outputs, in whatever store Flyte uses."""

from __future__ import annotations

import json
from typing import Any

from flytekit.core.context_manager import FlyteContextManager

from flytekitplugins_smfs.values.plain import Json

NAME = "smfs-spec.json"


class Spool:
    """One file."""

    def __init__(self, path: str) -> None:
        self.path = path

    @classmethod
    def beside(cls, output_prefix: str) -> Spool:
        """The one of a task's attempt."""
        return cls(f"{output_prefix.rstrip('/')}/{NAME}")

    def read(self) -> Json | None:
        """What lies there; None for nothing. Raises OSError where that cannot be told."""
        try:
            document: Any = json.loads(self._call("cat_file"))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise OSError(f"{self.path} is not JSON: {error}") from error
        return document if isinstance(document, dict) else None

    def write(self, document: Json) -> None:
        """Put it there. Raises OSError."""
        self._call("pipe_file", json.dumps(document).encode())

    def remove(self) -> None:
        """Leave nothing there. Raises OSError."""
        try:
            self._call("rm_file")
        except FileNotFoundError:
            return

    def _call(self, method: str, *arguments: Any) -> Any:
        """A call of fsspec. Its drivers raise much beside OSError, which is all that a caller has to know."""
        access = FlyteContextManager.current_context().file_access
        try:
            files = access.get_filesystem_for_path(self.path)
            if method == "pipe_file" and "file" in (files.protocol if isinstance(files.protocol, tuple) else ()):
                files.makedirs(self.path.rpartition("/")[0], exist_ok=True)
            return getattr(files, method)(self.path, *arguments)
        except OSError:
            raise
        except Exception as error:
            raise OSError(f"{self.path}: {error!r}") from error
