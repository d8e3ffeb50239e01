"""Many clients at once: nothing hangs, nothing is lost, nothing is made twice. N11."""

from concurrent.futures import ThreadPoolExecutor

from tests.conftest import Emulator, wait_for
from tests.emulator.services.fsx.test_file_system import at, gone, parameters


def test_whole_lives_of_file_systems_run_side_by_side(emulator: Emulator) -> None:
    request = parameters(emulator)
    clients = [emulator.client("fsx") for _ in range(8)]
    emulator.client("s3").create_bucket(Bucket="side-by-side")
    emulator.client("s3").put_object(Bucket="side-by-side", Key="p/x", Body=b"1")
    emulator.faults({"service": "logs", "code": "ThrottlingException"})

    def live(number: int) -> None:
        fsx = clients[number]
        id = fsx.create_file_system(**request)["FileSystem"]["FileSystemId"]
        wait_for(lambda: at(emulator, id, "AVAILABLE"), 30)
        link = {
            "FileSystemPath": "/p",
            "DataRepositoryPath": "s3://side-by-side/p",
            "BatchImportMetaDataOnCreate": True,
        }
        fsx.create_data_repository_association(FileSystemId=id, **link)
        wait_for(lambda: (emulator.state / "filesystems" / id / "p/x").exists(), 30)
        fsx.delete_file_system(FileSystemId=id)
        wait_for(lambda: gone(emulator, id), 30)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(live, range(8)))
    emulator.faults()


def test_one_token_from_many_clients_makes_one_file_system(emulator: Emulator) -> None:
    request = parameters(emulator, ClientRequestToken="from-many")
    clients = [emulator.client("fsx") for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda fsx: fsx.create_file_system(**request)["FileSystem"]["FileSystemId"], clients))
    assert len(set(made)) == 1
