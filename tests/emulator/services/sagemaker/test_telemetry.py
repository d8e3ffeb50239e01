"""What of a job's output becomes metrics."""

import pytest

from tests.conftest import Emulator

from .jobs import Jobs


@pytest.fixture
def jobs(emulator: Emulator) -> Jobs:
    return Jobs(emulator)


@pytest.mark.parametrize("last", ["nan", "inf", "-inf", "1e999"])
def test_a_loss_that_is_no_number_is_no_point_and_the_job_ends(jobs: Jobs, last: str) -> None:
    script = f"echo loss=0.5; echo loss={last}"
    done = jobs.run(jobs.shell(script, {"loss": "loss=(.*)"}))
    assert done["TrainingJobStatus"] == "Completed", done
    assert [(m["MetricName"], m["Value"]) for m in done["FinalMetricDataList"]] == [("loss", 0.5)]
    dimensions = [{"Name": "TrainingJobName", "Value": done["TrainingJobName"]}]
    [point] = jobs.emulator.client("cloudwatch").get_metric_statistics(
        Namespace="/aws/sagemaker/TrainingJobs",
        MetricName="loss",
        Dimensions=dimensions,
        StartTime=done["CreationTime"].timestamp() - 60,
        EndTime=done["TrainingEndTime"].timestamp() + 60,
        Period=3600,
        Statistics=["SampleCount", "Sum"],
    )["Datapoints"]
    assert (point["SampleCount"], point["Sum"]) == (1, 0.5)
    assert f"loss={last}" in jobs.lines(done["TrainingJobName"]), "the log has what was printed"
