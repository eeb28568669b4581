"""The manifests of deploy/kubernetes against the schemas of Kubernetes itself, which come with kubernetes-validate.

    python deploy/checks/kubernetes.py FOLDER

Strict: a field that there is not is a mistake in a name. Exit status 1 when something is wrong, a line each.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from kubernetes_validate import ValidationError, validate

VERSIONS = ("1.31", "1.37")
"""The oldest that is supported, for the fields that came last, and the newest, for what was removed."""

FOREIGN = {"ScaledObject", "Kustomization", "Component"}
"""Of KEDA, whose schema is not Kubernetes', and of kustomize, which sends nothing of it to a cluster."""


def documents(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted(folder.rglob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            yield path, document


def problems_of(document: dict[str, Any]) -> Iterator[str]:
    for version in VERSIONS:
        try:
            validate(document, version, strict=True)
        except ValidationError as error:
            yield f"{'.'.join(map(str, error.path))}: {error.message} (Kubernetes {version})"


def main(folder: Path) -> int:
    """An error that is not of validation is raised: a kind that no schema knows, a file that is no YAML."""
    found = [(path, document) for path, document in documents(folder) if document["kind"] not in FOREIGN]
    problems = [
        f"{path}: {document['kind']} {document['metadata']['name']}: {problem}"
        for path, document in found
        for problem in problems_of(document)
    ]
    print("\n".join(problems) or f"{folder}: {len(found)} manifests are valid")
    return 1 if problems or not found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
