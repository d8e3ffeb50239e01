"""What a server loads at its start is not looked through by the garbage collector, which works as ever afterwards."""

import gc
import weakref

import pytest

from flytekitplugins_smfs.emulator.loaded import for_good


class Ring:
    """Refers to itself, so that only the collector ends it."""

    def __init__(self) -> None:
        self.itself = self


def test_only_what_was_made_within_stays() -> None:
    try:
        with for_good():
            assert not gc.isenabled()
            within = weakref.ref(Ring())
        assert gc.isenabled()
        outside = weakref.ref(Ring())
        gc.collect()
        assert within() is not None
        assert outside() is None
    finally:
        gc.unfreeze()


def test_the_collector_is_on_again_after_a_failure() -> None:
    with pytest.raises(ValueError, match="no"), for_good():
        raise ValueError("no")
    gc.unfreeze()
    assert gc.isenabled()
