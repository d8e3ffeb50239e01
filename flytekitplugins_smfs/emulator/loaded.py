"""Python's garbage collector and what a server loads at its start: a third of a million objects that stay for good."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def for_good() -> Iterator[None]:
    """What is made within is never looked at again by the collector.

    It would look through all of it while it is being made, and later now and then, for as long as half a second in
    which nobody is answered.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
