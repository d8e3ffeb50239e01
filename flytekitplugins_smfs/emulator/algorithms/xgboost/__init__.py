"""SageMaker's built-in XGBoost, over the open-source one: same hyperparameters, formats, log lines and model file."""
