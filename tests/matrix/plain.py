"""Operations in a row without Flyte, as a process of its own: made, used by a tuning job, and removed again."""

import os
import sys

from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.runs.driver import drive
from flytekitplugins_smfs.values.lustre.deletion import DeleteSpec
from flytekitplugins_smfs.values.lustre.file_system import LustreSpec
from flytekitplugins_smfs.values.lustre.link import LinkSpec, UnlinkSpec
from flytekitplugins_smfs.values.sagemaker.channels import FileSystemInput
from flytekitplugins_smfs.values.sagemaker.training import BuiltinAlgorithm, TrainingSpec
from flytekitplugins_smfs.values.sagemaker.tuning import Integer, Minimize, Ranges, TuningSpec
from flytekitplugins_smfs.values.settings import Settings
from tests.matrix.dying import arm

HYPERPARAMETERS = {"objective": "binary:logistic", "eval_metric": "logloss", "num_round": 2}


def main(repository: str) -> None:
    """All of it."""
    fields = ("endpoint", "emulator_state", "role", "availability_zone")
    settings = Settings.of({name: os.environ[f"FLYTE_SMFS_{name.upper()}"] for name in fields})

    def done(name: str, spec: object) -> object:
        return drive(catalog.load(name), spec, settings, name).answer.result

    system = done("lustre-create", LustreSpec())
    link = done("repository-link", LinkSpec(file_system=system, repository=repository))
    channel = FileSystemInput.of_link(link, repository, content_type="text/csv")
    channels = {"train": channel, "validation": channel}
    algorithm = BuiltinAlgorithm("xgboost", "1.7-1")
    training = TrainingSpec(name="plain", algorithm=algorithm, channels=channels, hyperparameters=HYPERPARAMETERS)
    objective, ranges = Minimize("validation:logloss"), Ranges(max_depth=Integer(1, 3))
    done("tuning", TuningSpec(name="plain", training=training, objective=objective, ranges=ranges, max_jobs=1))
    done("repository-unlink", UnlinkSpec(link=link))
    done("lustre-delete", DeleteSpec(file_system=system))


if __name__ == "__main__":
    arm()
    main(sys.argv[1])
