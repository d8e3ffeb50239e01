"""Workflows whose steps take as long as a test says, for real `pyflyte run` processes against the emulator."""

from flytekit import workflow

from flytekitplugins_smfs import (
    BuiltinAlgorithm,
    Hyperparameters,
    Integer,
    LustreSpec,
    Minimize,
    ReleaseTask,
    TrainingInput,
    TrainingTask,
    TuningResult,
    TuningTask,
    create_lustre,
)

CHANNELS = {"train": TrainingInput, "validation": TrainingInput}
LOGISTIC = {"objective": "binary:logistic", "eval_metric": "logloss", "num_round": 3}

train = TrainingTask("slow.train", BuiltinAlgorithm("xgboost", "1.7-1"), CHANNELS, hyperparameters=LOGISTIC)
ranges = {"max_depth": Integer(3, 8)}
tune = TuningTask("slow.tune", train, Minimize("validation:logloss"), ranges, max_jobs=4, max_parallel=2)
kinds = {"data": TrainingInput, "fit": Hyperparameters, "search": Hyperparameters}
release = ReleaseTask("slow.release", inputs=kinds)


def steps(data: TrainingInput, fit: Hyperparameters, search: Hyperparameters) -> TuningResult:
    file_system = create_lustre(spec=LustreSpec())
    model = train(train=data, validation=data, hyperparameters=fit)
    best = tune(train=data, validation=data, hyperparameters=search)
    file_system >> model >> best
    return best


@workflow(on_failure=release)
def released(data: TrainingInput, fit: Hyperparameters, search: Hyperparameters) -> TuningResult:
    return steps(data, fit, search)


@workflow
def kept(data: TrainingInput, fit: Hyperparameters, search: Hyperparameters) -> TuningResult:
    return steps(data, fit, search)
