"""SageMaker training over FSx for Lustre and EFS as typed Flyte tasks."""
