"""Least privilege: what `smfs iam policy` prints is what a connector calls, no more and no less. N13"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flyteidl.core.execution_pb2 import TaskExecution

from flytekitplugins_smfs import (
    FileSystemInput,
    Hyperparameters,
    ImportSpec,
    LustreSpec,
    SmfsError,
    TrainingInput,
    delete_lustre,
    link_repository,
    unlink_repository,
)
from flytekitplugins_smfs.operations.policies import FREE
from tests.cluster import everything
from tests.cluster.test_page import BLOCKS, commands
from tests.conftest import Emulator, wait_for
from tests.flyte.connecting import ROOT, Service
from tests.matrix.conftest import QUICK
from tests.operations.driving import BUCKET, ROLE, rows

UNCALLED = {
    "iam:PassRole": "a job is given its role",
    "sagemaker:AddTags": "jobs are created with tags",
    "iam:CreateServiceLinkedRole": "FSx makes a role for a linked file system",
    "iam:AttachRolePolicy": "that role gets a policy",
    "iam:PutRolePolicy": "that role gets a policy",
}
"""Actions that AWS asks for beside calls of their own names, and why."""
ENDLESS = Hyperparameters(root={"num_round": 10_000_000})
STORE = ("--store", "s3://flyte")
MANY = 4
"""So many jobs are followed by a listing (`aws.followed.FEW`)."""


def smfs(*arguments: str, cwd: Path = ROOT) -> Any:
    """What `smfs iam policy` prints."""
    command = [str(Path(sys.executable).with_name("smfs")), "iam", "policy", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise SmfsError(done.stderr)
    return json.loads(done.stdout)


def allowed(policy: Any) -> set[str]:
    return {action for statement in policy["Statement"] for action in statement["Action"]}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    running = Emulator(tmp_path_factory.mktemp("privileges") / "state")
    try:
        running.start()
        running.settings(**QUICK)
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def key(own: Emulator) -> dict[str, str]:
    """An access key that nobody has but the connector."""
    iam = own.client("iam")
    iam.create_user(UserName="connector")
    return dict(iam.create_access_key(UserName="connector")["AccessKey"])


@pytest.fixture(scope="module")
def connector(own: Emulator, key: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("home")
    environment = {
        "FLYTE_SMFS_ENDPOINT": own.env["AWS_ENDPOINT_URL"],
        "FLYTE_SMFS_S3_ENDPOINT": own.env["AWS_ENDPOINT_URL_S3"],
        "FLYTE_SMFS_REGION": own.env["AWS_REGION"],
        "FLYTE_SMFS_ROLE": ROLE,
        "FLYTE_SMFS_AVAILABILITY_ZONE": "us-east-1a",
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "HOME": str(home),
    }
    one = Service(environment, log=home / "log")
    one.start()
    yield one
    one.kill()


def refused(emulator: Emulator, key: dict[str, str], policy: Any) -> list[str]:
    """The recorded calls about jobs that the policy's resources and conditions refuse, by IAM's simulator."""
    kinds = {"TrainingJobName": "training-job", "HyperParameterTuningJobName": "hyper-parameter-tuning-job"}
    iam, found = emulator.client("iam"), set()
    for call in emulator.calls():
        named = [(kind, call["request"][name]) for name, kind in kinds.items() if name in call["request"]]
        if call["caller"] == key["AccessKeyId"] and call["service"] == "sagemaker" and named:
            tags = tuple(f"aws:RequestTag/{tag['Key']}" for tag in call["request"].get("Tags", []))
            found.add((call["operation"], "/".join(named[0]), tags))
    assert (
        len({operation for operation, *_ in found}) == 7
    )  # create, describe and stop of both, and a tuning job's trials
    wrong = []
    for operation, job, tags in sorted(found):
        result = iam.simulate_custom_policy(
            PolicyInputList=[json.dumps(policy)],
            ActionNames=[f"sagemaker:{operation}"],
            ResourceArns=[f"arn:aws:sagemaker:us-east-1:123456789012:{job}"],
            ContextEntries=[
                {"ContextKeyName": name, "ContextKeyValues": ["x"], "ContextKeyType": "string"} for name in tags
            ],
        )["EvaluationResults"][0]
        if result["EvalDecision"] != "allowed":
            wrong.append(f"{operation} {job}")
    return wrong


def called(emulator: Emulator, key: dict[str, str]) -> set[str]:
    """The IAM actions of all calls that were signed with a key."""
    names = {"efs": "elasticfilesystem"}
    return {
        f"{names.get(call['service'], call['service'])}:{call['operation']}"
        for call in emulator.calls()
        if call["caller"] == key["AccessKeyId"]
    }


class Run:
    """Everything that the tasks of `everything` do in AWS, as Flyte would have it done."""

    def __init__(self, connector: Service, emulator: Emulator, key: dict[str, str], store: Path) -> None:
        self.connector, self.emulator, self.key, self.store = connector, emulator, key, store

    def create(self, task: Any, node: str, name: str = "whole", **inputs: Any) -> bytes:
        return self.connector.create(task, inputs, str(self.store / node), name=name, node=node)

    def result(self, task: Any, node: str, **inputs: Any) -> Any:
        return self.connector.result(task, self.connector.finish(task, self.create(task, node, **inputs)))

    def asked(self, action: str) -> bool:
        return action in called(self.emulator, self.key)

    def lustre(self) -> None:
        """File systems, links and imports, to their end or stopped under way."""
        system = self.result(everything.create_lustre, "create", spec=LustreSpec())
        link = self.result(link_repository, "link", file_system=system, repository=f"s3://{BUCKET}/linked")
        imported = ImportSpec(file_system=system)
        self.result(everything.bring, "import", spec=imported)
        self.connector.delete(everything.bring, self.create(everything.bring, "import-2", spec=imported))
        self.mounted(system.id)
        self.full(system.id)
        self.result(unlink_repository, "unlink", link=link)
        self.result(delete_lustre, "delete", file_system=system)
        self.result(everything.release, "release", file_system=system)

    def full(self, file_system: str) -> None:
        """It gets all the tags that it may have, so that one has to go before the mark of its removal."""
        fsx = self.emulator.client("fsx")
        found = fsx.describe_file_systems(FileSystemIds=[file_system])["FileSystems"][0]
        more = [{"Key": f"more-{n}", "Value": ""} for n in range(50 - len(found["Tags"]))]
        fsx.tag_resource(ResourceARN=found["ResourceARN"], Tags=more)

    def mounted(self, file_system: str) -> None:
        """Jobs over file systems: AWS is asked from where to reach them, also if there is none."""
        for node, kind, id in (("fsx", "FSxLustre", file_system), ("efs", "EFS", "fs-0123456789abcdef0")):
            path = "/fsx/nothing" if kind == "EFS" else "/nothing"
            channel = FileSystemInput(file_system_id=id, file_system_type=kind, directory_path=path)
            meta = self.create(everything.mounted, node, train=channel)
            assert self.connector.finish(everything.mounted, meta).phase != TaskExecution.SUCCEEDED

    def jobs(self) -> None:
        """Jobs to their end, found again by a second attempt, and so many at once that they are listed."""
        s3 = self.emulator.client("s3")
        for seed, channel in enumerate(everything.CHANNELS):
            s3.put_object(Bucket=BUCKET, Key=f"data/{channel}/part.csv", Body=rows(200, seed))
        channels = {
            name: TrainingInput(s3_uri=f"s3://{BUCKET}/data/{name}/", content_type="text/csv")
            for name in everything.CHANNELS
        }
        for task, listing in (
            (everything.train, "sagemaker:ListTrainingJobs"),
            (everything.tune, "sagemaker:ListHyperParameterTuningJobs"),
        ):
            self.result(task, task.name, **channels)
            endless = {**channels, "hyperparameters": ENDLESS}
            metas = [self.create(task, f"{task.name}-{n}", **endless) for n in range(MANY)]
            self.create(task, f"{task.name}-0", **endless)  # Flyte did not hear of the first

            def listed(task: Any = task, metas: list[bytes] = metas, listing: str = listing) -> bool:
                for meta in metas:
                    self.connector.get(task, meta)
                time.sleep(0.2)  # between two of Flyte's ticks
                return self.asked(listing)

            wait_for(listed, 60)
            for meta in metas:
                self.connector.delete(task, meta)


def test_a_connector_calls_what_its_policy_allows_and_nothing_of_that_is_left_uncalled(
    connector: Service, own: Emulator, key: dict[str, str], tmp_path: Path
) -> None:
    policy = smfs("--pkgs", "tests.cluster.everything", *STORE, "--role", "connector", "--document", "policy")
    run = Run(connector, own, key, tmp_path)
    run.lustre()
    run.jobs()
    unrecorded = {action for action in allowed(policy) if action.startswith("s3:")}
    wanted = allowed(policy) - set(UNCALLED) - unrecorded
    made = called(own, key) - FREE
    assert (sorted(made - wanted), sorted(wanted - made)) == ([], [])
    assert set(UNCALLED) <= allowed(policy)
    assert refused(own, key, policy) == []
    others = json.loads(json.dumps(policy).replace("every-Train-", "every-other-"))
    assert any(one.startswith("CreateTrainingJob ") for one in refused(own, key, others))


def test_the_policies_are_such_that_iam_takes_them(own: Emulator) -> None:
    """Also in length: 6,144 characters are the most for a policy, and white space does not count."""
    provider = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/ABC"
    place = ("--account", "123456789012", "--region", "us-east-1", "--data", "s3://digits/sets")
    found = smfs("--pkgs", "workflows", *STORE, *place, "--job-role", ROLE, "--cluster-oidc", provider, "--first-use")
    assert set(found) == {"connector", "pods", "job"}
    iam = own.client("iam")
    for role, said in found.items():
        text = json.dumps(said["policy"], separators=(",", ":"))
        assert len(text) < 6144
        iam.create_policy(PolicyName=role, PolicyDocument=text)
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(said["trust"]))
    assert ROLE in str(found["connector"])


def test_only_what_workflows_use_is_allowed(tmp_path: Path) -> None:
    """pyflyte registers every ready-made task of ours with them."""
    (tmp_path / "few.py").write_text(
        "from flytekit import workflow\n"
        "import flytekitplugins_smfs as smfs\n"
        "@workflow\n"
        "def few(spec: smfs.LustreSpec) -> smfs.LustreFileSystem:\n"
        "    return smfs.create_lustre(spec=spec)\n"
    )
    policy = smfs("--pkgs", "few", *STORE, "--role", "connector", "--document", "policy", cwd=tmp_path)
    actions = allowed(policy)
    assert "fsx:CreateFileSystem" in actions
    assert "fsx:CreateDataRepositoryAssociation" not in actions
    assert not [action for action in actions if action.startswith(("sagemaker:", "iam:", "logs:", "s3:"))]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--pkgs", "nowhere", *STORE), "nowhere is not found"),
        (("--pkgs", "workflows", "--store", "flyte"), "is no S3 URI"),
        (("--pkgs", "workflows", *STORE, "--document", "trust"), "--document is for one role"),
        (("--pkgs", "workflows", *STORE, "--cluster-oidc", "oidc.eks"), "is no ARN"),
    ],
)
def test_what_cannot_be_is_said(arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(SmfsError, match=said):
        smfs(*arguments)


def test_the_pages_commands_print_the_roles(tmp_path: Path) -> None:
    programs = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    for command in commands(BLOCKS["privileges"]):
        there = command.replace("--pkgs", f"--source {ROOT} --pkgs")
        subprocess.run(there, shell=True, check=True, cwd=tmp_path, env=programs, timeout=120)
    roles = json.loads((tmp_path / "roles.json").read_text())
    assert allowed(roles["connector"]["policy"]) == allowed(json.loads((tmp_path / "connector.json").read_text()))
    assert "role/smfs-jobs" in str(roles["connector"]["policy"])
