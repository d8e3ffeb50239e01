# One file, two images over one base:
#
#   docker build -t smfs .                          the Flyte connector, and the image of a workflow's Python tasks
#   docker build -t smfs-training --target training .   a training image with XGBoost and scikit-learn

FROM python:3.11-slim AS base
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /opt/smfs
COPY setup.py pyproject.toml constraints.txt README.md LICENSE ./
COPY flytekitplugins_smfs flytekitplugins_smfs
RUN pip install -c constraints.txt '.[connector,workflows]'

# SageMaker mounts /opt/ml as root, so this one stays root. Say what to run with ImageAlgorithm(..., entrypoint=...).
FROM base AS training
WORKDIR /opt/ml/code

FROM base AS connector
# Flyte's tools take /root for the place of the code, unless they are told another: workflows of the image lie there, and
# bundles are unpacked there. So the image's user owns it; it may be any user of group 0, for clusters that choose one.
RUN useradd --uid 1000 --gid 0 --home-dir /root --no-create-home flyte
COPY workflows /root/workflows
RUN chown -R 1000:0 /root && chmod -R u=rwX,g=rwX,o=rX /root
ENV HOME=/root
USER 1000
WORKDIR /root
# Which AWS is always said, never guessed: for the embedded emulator or another endpoint, override it.
ENV FLYTE_SMFS_ENDPOINT=aws
EXPOSE 8000 9090
# Everything is loaded before the first request, and missing settings end the process at once.
CMD ["smfs", "connector", "--port", "8000", "--metrics-port", "9090"]
