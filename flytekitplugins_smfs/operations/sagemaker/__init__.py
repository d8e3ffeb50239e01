"""SageMaker training and tuning jobs."""

from flytekitplugins_smfs.operations.service import Service, Verb

NETWORK = (
    "fsx:DescribeFileSystems",
    "ec2:DescribeNetworkInterfaces",
    "elasticfilesystem:DescribeMountTargets",
)
STOPPING = (
    "sagemaker:Search",
    "sagemaker:DescribeTrainingJob",
    "sagemaker:StopTrainingJob",
    "sagemaker:DescribeHyperParameterTuningJob",
    "sagemaker:StopHyperParameterTuningJob",
)
"""What ending the jobs of an execution needs."""
SERVICE = Service(
    package=__name__,
    title="SageMaker",
    clients=("sagemaker", "logs", "sts", "fsx", "ec2", "efs"),
    holdings=("holdings:TuningJobs", "holdings:TrainingJobs"),
    verbs=(
        Verb(
            name="training",
            home="training:Train",
            tasks="`TrainingTask`",
            takes="algorithm, channels, hyperparameters, ...",
            gives="`TrainingResult`",
            does="CreateTrainingJob until it ends",
            calls=(
                "sagemaker:CreateTrainingJob",
                "sagemaker:DescribeTrainingJob",
                "sagemaker:ListTrainingJobs",
                "sagemaker:StopTrainingJob",
                "sagemaker:AddTags",
                "sagemaker:ListTags",
                "logs:DescribeLogStreams",
                "logs:GetLogEvents",
                "sts:GetCallerIdentity",
                "iam:PassRole",
                *NETWORK,
            ),
            deck=("training",),
        ),
        Verb(
            name="tuning",
            home="tuning:Tune",
            tasks="`TuningTask`",
            takes="a training, objective, ranges, ...",
            gives="`TuningResult`",
            does="CreateHyperParameterTuningJob until it ends",
            calls=(
                "sagemaker:CreateHyperParameterTuningJob",
                "sagemaker:DescribeHyperParameterTuningJob",
                "sagemaker:ListHyperParameterTuningJobs",
                "sagemaker:ListTrainingJobsForHyperParameterTuningJob",
                "sagemaker:DescribeTrainingJob",
                "sagemaker:StopHyperParameterTuningJob",
                "sagemaker:AddTags",
                "sagemaker:ListTags",
                "sts:GetCallerIdentity",
                "iam:PassRole",
                *NETWORK,
            ),
            deck=("tuning",),
        ),
    ),
)
