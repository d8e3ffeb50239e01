"""SageMaker training and tuning."""
