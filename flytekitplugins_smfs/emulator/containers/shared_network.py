"""The network that the hosts of one job share, as the server sees it: started before them, and ended after them."""

import signal
from pathlib import Path

from .detached import Detached
from .network import NetworkFolder


class SharedNetwork:
    """The relay of a job's network, if it has one: its folder is there then. It also ends by itself, with the hosts."""

    def __init__(self, path: Path, name: str, registry: Path) -> None:
        self.folder = folder = NetworkFolder(path)
        self._relay = Detached("relay", path, name, registry, folder.process, folder.lock)

    def start(self) -> None:
        """Make the network unless it was made before, or there is to be none. Raises NotStarted."""
        if self.folder.spec.exists():
            if not self.folder.process.exists():
                self._relay.launch()
            self._relay.write_down()

    def alive(self) -> bool:
        """Whether its relay lives."""
        return self._relay.alive()

    def stop(self) -> None:
        """End it; what its hosts are told is that it is lost. Nothing if it has ended."""
        if self.alive():
            self._relay.signal(signal.SIGTERM)
        self._relay.forget()
