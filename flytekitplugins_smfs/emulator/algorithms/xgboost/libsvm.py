"""libsvm, read by XGBoost's own parser, which also knows query groups (``qid``) and weights.

Source of the check before it: ``_validate_libsvm_format`` of AWS's public sagemaker-xgboost-container.
"""

import tempfile
from pathlib import Path

import xgboost

from ..errors import UserError
from .files import warn, why_no_text


def load_libsvm(files: list[Path]) -> "xgboost.DMatrix":
    """All files as one matrix, one behind the other in the order given."""
    for path in files:
        _check(path)
    with tempfile.TemporaryDirectory(prefix="sagemaker_xgboost_input_data") as folder:
        links = [Path(folder, f"{number:06}") for number in range(len(files))]
        for link, path in zip(links, files, strict=True):
            link.symlink_to(path.absolute())  # a name of ours has nothing that means something in XGBoost's addresses
        try:
            return xgboost.DMatrix(f"{';'.join(map(str, links))}?format=libsvm")
        except xgboost.core.XGBoostError as error:
            text = str(error).split("\nStack trace")[0]
            raise UserError(f"Failed to load libsvm data with exception:\n{text}") from None


def _check(path: Path) -> None:
    """The lines up to the first with two features must look like libsvm. All else is XGBoost's to judge."""
    cause = why_no_text(path)
    with path.open(errors="ignore") as lines:
        for line in lines:
            features = _features(line)
            if features < 0 or cause:
                raise UserError(
                    f"First line '{line[:50].rstrip()}...' of file '{path.name}' is not 'LIBSVM' format. "
                    f"Please ensure the file is in 'LIBSVM' format.{f' {cause}.' if cause else ''}"
                )
            if features > 1:
                return
    warn(f"File {path.name} is not an invalid LIBSVM file but has no features. Accepting simple validation.")


def _features(line: str) -> int:
    """How many features a line ``<label>[:<weight>] <index>:<value> ...`` has; -1 if it is no such line."""
    label, *features = line.split(" ")
    parts = label.split(":")
    if len(parts) > 2 or not all(map(_is_number, parts)):
        return -1
    if any(":" not in feature for feature in features) or (features and features[0].count(":") != 1):
        return -1
    return len(features)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
