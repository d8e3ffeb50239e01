"""What the emulator leans on that moto does not promise."""

from flytekitplugins_smfs.emulator import moto_backend


def test_motos_random_ids_can_be_told_from_a_seed() -> None:
    """Else the ids of subnets and the like change with every start, and state that was kept names what is not there."""
    from moto.moto_api._internal import mock_random

    assert moto_backend is not None
    mock_random.seed(7)
    first = [mock_random.get_random_hex(8) for _ in range(3)]
    mock_random.seed(7)
    assert [mock_random.get_random_hex(8) for _ in range(3)] == first
