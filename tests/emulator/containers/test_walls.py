"""What a job can reach, with the walls of this system and without them."""

import hashlib
import json
import os
import pwd
import sys
import time
import zipfile
from pathlib import Path

import psutil
import pytest

from flytekitplugins_smfs.emulator.containers.pip_settings import pip_settings
from flytekitplugins_smfs.emulator.containers.walls import Walls, available
from tests.conftest import Emulator, run_emulator, wait_for
from tests.emulator.odd_files import listing
from tests.emulator.services.sagemaker.jobs import Jobs, unique

SECRET = "the-users-own-secret"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's home with what is in one."""
    home = tmp_path_factory.mktemp("home")
    (home / ".aws").mkdir()
    (home / ".aws/credentials").write_text(f"[default]\naws_secret_access_key = {SECRET}\n")
    (home / ".config/pip").mkdir(parents=True)
    (home / ".config/pip/pip.conf").write_text(
        "[global]\nextra-index-url = https://me:hunter2@example.invalid/simple\n"
    )
    return home


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory, home: Path) -> object:
    """Jobs of an emulator that was started by this user."""
    emulator = Emulator(tmp_path_factory.mktemp("walls") / "state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("SECRET_OF_MINE", SECRET)
        patch.setenv("PIP_EXTRA_INDEX_URL", "https://me:hunter2@example.invalid/simple")
        emulator.start()
        try:
            yield Jobs(emulator)
        finally:
            emulator.stop()


@pytest.fixture(params=[True, False], ids=["with a root of its own", "without"])
def isolation(request: pytest.FixtureRequest, jobs: Jobs) -> object:
    """Both ways: what namespaces and Landlock keep together, and what Landlock keeps alone."""
    walls = available()
    if not (walls.namespaces if request.param else walls.landlock):
        pytest.skip("this system has no such wall")
    with jobs.emulator.changed_settings(training_isolation=request.param):
        yield request.param


def output(jobs: Jobs, script: str, status: str = "Completed", **changes: object) -> list[str]:
    done = jobs.run(jobs.shell(script, **changes))
    lines = jobs.lines(done["TrainingJobName"])
    assert done["TrainingJobStatus"] == status, (done.get("FailureReason"), lines)
    return [line for line in lines if not line.startswith("The embedded AWS")]


def test_a_job_sees_nothing_of_the_users(jobs: Jobs, isolation: bool, home: Path) -> None:
    supervisor = f"cat /proc/{os.getpid()}/environ /proc/1/environ /proc/$PPID/environ 2>/dev/null | tr '\\0' '\\n'"
    lines = output(jobs, f"env; {supervisor} || true; cat {home}/.aws/credentials ~/.aws/credentials 2>&1 || true")
    assert not [line for line in lines if SECRET in line or "hunter2" in line]
    assert any(line.startswith("HOME=") and str(home) not in line for line in lines)
    assert "PIP_EXTRA_INDEX_URL=https://example.invalid/simple" in lines


def test_a_job_writes_only_its_own(jobs: Jobs, isolation: bool, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    package = Path(sys.prefix, "lib", f"python3.{sys.version_info.minor}", "site-packages")
    places = [
        tmp_path,
        package,
        Path(sys.base_prefix),
        Path("/usr"),
        Path("/etc"),
        jobs.emulator.state,
        Path("/dev/shm/.."),
    ]
    script = "".join(f"touch {place}/job-was-here 2>/dev/null && echo wrote {place};" for place in places)
    script += f"cat {tmp_path}/file 2>/dev/null && echo read;"
    own = '/opt/ml/model "$SM_MODEL_DIR" "$HOME" "$TMPDIR" "$VIRTUAL_ENV"'
    script += f"for own in {own}; do touch $own/x && echo ok; done 2>/dev/null; true"
    lines = output(jobs, script)
    assert lines == ["ok"] * (5 if isolation else 4)
    assert not [place for place in places if (place / "job-was-here").exists()]


def test_of_etc_a_job_sees_what_programs_need_and_no_secrets(jobs: Jobs, isolation: bool) -> None:
    secrets = ("shadow", "gshadow", "pip.conf", "npmrc", "gitconfig", "environment", "ssl/private", "sudoers")
    script = f"for f in {' '.join(secrets)}; do ls -d /etc/$f/* || cat /etc/$f || true; done 2>/dev/null; "
    code = (
        "import os, pwd, ssl, socket, grp; print(pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(0).gr_name, "
        "socket.getservbyname('https'), socket.gethostbyname('localhost'), "
        "ssl.create_default_context().cert_store_stats()['x509'] > 0)"
    )
    script += f'python -c "{code}"'
    expected = f"{pwd.getpwuid(os.getuid()).pw_name} root 443 127.0.0.1 True"
    assert output(jobs, script) == [expected]


def test_settings_of_pip_come_without_passwords_from_all_files(tmp_path: Path) -> None:
    for place, option in (("system", "index-url"), ("home/.config", "extra-index-url")):
        (tmp_path / place / "pip").mkdir(parents=True)
        text = f"[global]\n{option} = https://me:hunter2@{place[:4]}.invalid/simple\ntimeout = {len(place)}\n"
        (tmp_path / place / "pip/pip.conf").write_text(text)
    found = pip_settings({"XDG_CONFIG_DIRS": str(tmp_path / "system")}, tmp_path / "home")
    assert "index-url = https://syst.invalid/simple\n" in found.configuration
    assert "extra-index-url = https://home.invalid/simple\n" in found.configuration
    assert "timeout = 12\n" in found.configuration  # the user's file comes after the system's
    assert "hunter2" not in found.configuration


def test_a_job_has_no_capabilities_and_gains_none(jobs: Jobs, isolation: bool) -> None:
    lines = output(jobs, "grep -E 'CapPrm|CapEff|CapBnd|NoNewPrivs' /proc/self/status")
    values = dict(line.replace("#011", " ").replace(":", "").split() for line in lines)
    root = os.getuid() == 0 or isolation
    assert (values["CapPrm"], values["CapEff"], values["NoNewPrivs"]) == ("0" * 16, "0" * 16, "1")
    assert not root or values["CapBnd"] == "0" * 16


def test_a_job_cannot_end_or_list_others(jobs: Jobs, isolation: bool) -> None:
    lines = output(jobs, f"kill -0 {os.getpid()} 2>/dev/null && echo reached; ls /proc | grep -c '^[0-9]' ; true")
    assert "reached" not in lines
    assert not isolation or int(lines[-1]) < 10


def test_what_is_missing_is_said() -> None:
    assert Walls(namespaces=True, networks=True, landlock=7).missing() == []
    assert "no Landlock" in Walls(namespaces=True, networks=True, landlock=0).missing()[0]
    assert "no private networks" in Walls(namespaces=True, networks=False, landlock=7).missing()[0]
    nothing = Walls(namespaces=False, networks=False, landlock=0).missing()
    assert [line.split(" (")[0] for line in nothing] == ["no private mounts and processes", "no Landlock"]


def test_a_daemon_ends_with_its_job(jobs: Jobs, isolation: bool) -> None:
    marker = f"89{os.getpid()}{int(isolation)}"
    output(jobs, f"setsid sh -c '(setsid sleep {marker} &) ; exit 0' </dev/null >/dev/null 2>&1; echo done")
    wait_for(lambda: not [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", marker]])


def test_endless_zeros_fail_the_job_and_not_the_machine(jobs: Jobs, isolation: bool) -> None:
    for script in (  # one file without an end, and many files
        "cat /dev/zero > $SM_MODEL_DIR/a",
        "for i in 1 2 3 4 5 6 7 8; do head -c 300M /dev/zero > $SM_MODEL_DIR/$i; done; sleep 5",
    ):
        began = time.monotonic()
        done = jobs.run(jobs.shell(script))
        assert done["TrainingJobStatus"] == "Failed"
        assert time.monotonic() - began < 55
    assert "No space left on device" in done["FailureReason"]
    wait_for(lambda: sum(path.lstat().st_size for path in (jobs.emulator.state / "jobs").rglob("*")) < 1 << 26)


def test_a_sparse_model_fails_the_job(jobs: Jobs) -> None:
    done = jobs.run(jobs.shell("for i in 1 2 3; do truncate -s 900M /opt/ml/model/$i; done"))
    assert (done["TrainingJobStatus"], "Insufficient disk space" in done["FailureReason"]) == ("Failed", True)


def test_too_many_processes_and_too_much_memory(jobs: Jobs, isolation: bool) -> None:
    with jobs.emulator.changed_settings(training_processes=20):
        done = jobs.run(jobs.shell("for i in {1..40}; do sleep 30 & done; wait"))
    assert "more processes" in done["FailureReason"]


def test_terminal_escapes_are_text(jobs: Jobs) -> None:
    lines = output(jobs, "printf '\\033[31mred\\033[0m\\a\\tx\\n'")
    assert lines == ["#033[31mred#033[0m#007#011x"]
    done = jobs.run(jobs.shell("printf '\\033]0;owned\\a' > /opt/ml/output/failure; exit 1"))
    assert done["FailureReason"] == "AlgorithmError: #033]0;owned#007, exit code: 1"


def wheel(directory: Path, name: str) -> Path:
    """A small package."""
    path = directory / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "ANSWER = 42\n")
        archive.writestr(f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(
            f"{name}-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        files = [f"{name}.py", *(f"{name}-1.0.dist-info/{file}" for file in ("METADATA", "WHEEL", "RECORD"))]
        record = "".join(f"{file},,\n" for file in files)
        archive.writestr(f"{name}-1.0.dist-info/RECORD", record)
    return path


def installed(prefix: str) -> str:
    """A hash over what is installed: names, sizes and times of all files."""
    root = Path(prefix, "lib", f"python3.{sys.version_info.minor}", "site-packages")
    files = sorted(
        f"{p} {p.stat().st_size} {p.stat().st_mtime_ns}" for p in root.rglob("*") if "__pycache__" not in str(p)
    )
    return hashlib.sha256("\n".join(files).encode()).hexdigest()


def test_pip_in_a_job_installs_for_the_job_alone(jobs: Jobs, isolation: bool, tmp_path: Path) -> None:
    name = unique("smfs_probe").replace("-", "_")
    url = jobs.put(f"wheels/{name}/{name}-1.0-py3-none-any.whl", wheel(tmp_path, name).read_bytes())
    channel = jobs.channel("wheels", url.rpartition("/")[0] + "/")
    before = installed(sys.prefix)
    script = (
        f"pip install --no-index --quiet --disable-pip-version-check $SM_CHANNEL_WHEELS/{name}-1.0-py3-none-any.whl; "
        f"python -c 'import {name}, boto3, sys; print({name}.ANSWER, {name}.__file__.startswith(sys.prefix))'; "
        f"python -m pip uninstall -y -q boto3 2>&1 | grep -ci 'outside environment' || true; python -c 'import boto3'"
    )
    lines = output(jobs, script, InputDataConfig=[channel])
    assert "42 True" in lines
    assert installed(sys.prefix) == before


def test_requirements_of_an_image_are_installed_once(jobs: Jobs, tmp_path: Path) -> None:
    name = unique("smfs_image").replace("-", "_")
    path = wheel(tmp_path, name)
    table = jobs.emulator.state / "images.json"
    entry = {"command": ["python", "-c", f"import {name}; print({name}.ANSWER)"], "requirements": [str(path)]}
    table.write_text(json.dumps({"*/own-image:*": entry}))
    request = jobs.request()
    request["AlgorithmSpecification"]["TrainingImage"] = "123456789012.dkr.ecr.us-east-1.amazonaws.com/own-image:1"
    before = installed(sys.prefix)
    for _ in range(2):
        done = jobs.run({**request, "TrainingJobName": unique("job")})
        assert done["TrainingJobStatus"] == "Completed", done.get("FailureReason")
        assert jobs.lines(done["TrainingJobName"]) == ["42"]
        path.unlink(missing_ok=True)
    assert len([image for image in (jobs.emulator.state / "images").iterdir() if image.is_dir()]) == 1
    assert installed(sys.prefix) == before
    table.write_text("{")
    failed = jobs.run({**request, "TrainingJobName": unique("job")})
    assert failed["FailureReason"].startswith("InternalServerError")
    assert str(table) in failed["FailureReason"]
    table.unlink()


def test_what_a_job_puts_in_the_place_of_its_files_is_not_taken(jobs: Jobs, isolation: bool, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    before = listing(tmp_path)
    script = (
        "for d in $SM_MODEL_DIR $SM_OUTPUT_DATA_DIR $SM_OUTPUT_DIR/../checkpoints; do "
        f"ln -s {tmp_path}/secret $d/link; mkfifo $d/pipe; ln {tmp_path}/secret $d/hard 2>/dev/null || true; "
        f"ln -s {tmp_path} $d/folder; echo own > $d/own; done; ln -s {tmp_path}/secret $SM_OUTPUT_DIR/failure"
    )
    request = jobs.shell(script, CheckpointConfig={"S3Uri": jobs.url("odd-checkpoints")})
    done = jobs.run(request)
    assert done["TrainingJobStatus"] == "Completed", done.get("FailureReason")
    base = f"{jobs.url('out')}/{done['TrainingJobName']}/output"
    assert jobs.archive(f"{base}/model.tar.gz") == {"own": b"own\n"}
    assert jobs.archive(f"{base}/output.tar.gz") == {"own": b"own\n"}
    bucket, prefix = jobs.url("odd-checkpoints").removeprefix("s3://").split("/", 1)
    kept = jobs.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    assert [item["Key"] for item in kept] == [f"{prefix}/own"]
    assert listing(tmp_path) == before
    failed = jobs.run(jobs.shell(f"ln -s {tmp_path}/secret $SM_OUTPUT_DIR/failure; exit 3"))
    assert SECRET not in failed["FailureReason"]


def test_status_says_what_is_missing(jobs: Jobs) -> None:
    state = ("--state", str(jobs.emulator.state))
    assert json.loads(run_emulator("status", "--json", *state))["missing_walls"] == available().missing()
    told = [line for line in run_emulator("status", *state).splitlines() if line.startswith("jobs run with")]
    assert len(told) == len(available().missing())
