"""House prices: train and tune on data that lies in a folder, over a Lustre file system made for the purpose."""

from flytekit import workflow
from flytekit.types.directory import FlyteDirectory

from flytekitplugins_smfs import (
    BuiltinAlgorithm,
    Continuous,
    FileSystemInput,
    Integer,
    LustreSpec,
    Minimize,
    Ranges,
    ReleaseTask,
    Resources,
    TrainingTask,
    TuningResult,
    TuningTask,
    deprovision_lustre,
    file_system_input,
    provision_lustre,
    upload,
)

train = TrainingTask(
    name="prices.train",
    algorithm=BuiltinAlgorithm("xgboost", "1.7-1"),
    channels={"train": FileSystemInput, "validation": FileSystemInput},
    hyperparameters={"objective": "reg:squarederror", "eval_metric": "rmse", "num_round": 20},
    resources=Resources(instance_type="ml.m5.xlarge"),
)
search = Ranges(eta=Continuous(0.05, 0.5), max_depth=Integer(3, 8))
tune = TuningTask(
    name="prices.tune",
    training=train,
    objective=Minimize("validation:rmse"),
    ranges=search,
    max_jobs=4,
    max_parallel=2,
)
release = ReleaseTask(name="prices.release", inputs={"source": FlyteDirectory, "repository": str, "ranges": Ranges})


@workflow(on_failure=release)
def prices(source: FlyteDirectory, repository: str = "prices", ranges: Ranges = search) -> TuningResult:
    """`source` has the folders train and validation with CSV files: the price first, no header."""
    dataset = upload(source=source, destination=repository)
    lustre = provision_lustre(spec=LustreSpec(capacity_gib=1200), repositories={"/ns1": dataset.uri})
    tuned = tune(
        train=file_system_input(link=lustre.links[0], uri=dataset.uri, path="train", content_type="text/csv"),
        validation=file_system_input(link=lustre.links[0], uri=dataset.uri, path="validation", content_type="text/csv"),
        ranges=ranges,
    )
    tuned >> deprovision_lustre(lustre=lustre)
    return tuned
