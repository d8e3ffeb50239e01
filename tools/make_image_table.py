"""Make `flytekitplugins_smfs/operations/sagemaker/images.json` from the image tables that the SageMaker SDK 2.x ships.

The tables are read as files; the SDK is never imported. Run this again when a new SDK knows more regions or versions:

    python tools/make_image_table.py
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[1] / "flytekitplugins_smfs" / "operations" / "sagemaker" / "images.json"
ALGORITHMS = (
    "blazingtext",
    "factorization-machines",
    "forecasting-deepar",
    "image-classification",
    "ipinsights",
    "kmeans",
    "knn",
    "lda",
    "linear-learner",
    "ntm",
    "object-detection",
    "object2vec",
    "pca",
    "randomcutforest",
    "semantic-segmentation",
    "seq2seq",
    "xgboost",
)


def tables() -> Path:
    """The folder of the installed SDK's tables."""
    spec = importlib.util.find_spec("sagemaker")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("The SageMaker SDK 2.x is not installed; run: pip install -c constraints.txt -e '.[sdk]'")
    return Path(spec.submodule_search_locations[0]) / "image_uri_config"


def table(folder: Path) -> dict[str, Any]:
    """Algorithms with their versions, and the registries (region -> account) that they share."""
    registries: list[dict[str, str]] = []
    algorithms: dict[str, dict[str, list[Any]]] = {}
    for name in ALGORITHMS:
        config = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        for version, image in config.get("training", config)["versions"].items():
            registry = dict(sorted(image["registries"].items()))
            if registry not in registries:
                registries.append(registry)
            row = [image["repository"], _tag(version, image), registries.index(registry)]
            algorithms.setdefault(name, {})[version] = row
    return {"algorithms": algorithms, "registries": registries}


def _tag(version: str, image: dict[str, Any]) -> str:
    """The tag carries processor and Python where the table names them; none of these images has a choice."""
    processors, pythons = image.get("processors", []), image.get("py_versions", [])
    if len(processors) > 1 or len(pythons) > 1:
        raise SystemExit(f"{image['repository']}:{version} has several variants; teach this tool to choose.")
    return "-".join([version, *processors, *pythons])


def main() -> None:
    """Write the table."""
    TARGET.write_text(json.dumps(table(tables()), separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{TARGET}: {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
