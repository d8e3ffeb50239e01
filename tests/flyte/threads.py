"""Operations in threads only, the main thread waiting for them, as a real process. See `fakes`."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from flytekitplugins_smfs.operations import catalog
from tests.flyte.fakes import FileOperation, fake_task

OPERATION = FileOperation(Path(os.environ["FAKE_STATE"]))
catalog.load = lambda name: OPERATION  # type: ignore[assignment]

if __name__ == "__main__":
    with ThreadPoolExecutor(2) as pool:
        for answer in pool.map(lambda name: fake_task(name)(), ["left", "right"]):
            print(answer)
