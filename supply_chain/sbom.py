"""What a server is made of, as CycloneDX: `python -m supply_chain.sbom --output FILE`.

The packages that serving installs, each with the hashes of the files that may be
installed for it, and the model's files with theirs. The same checkout gives the same
bytes: no time, no random number, no path and no host is in it.
"""

import hashlib
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import click
from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    Property,
    XsUri,
)
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deepfake_detector.artifact import CARD_FILE, Artifact
from deepfake_detector.command_line import one_line_errors
from deepfake_detector.config import REPOSITORY
from deepfake_detector.whole_file import write_whole
from supply_chain.exceptions import SupplyChainError
from supply_chain.finding import Finding
from supply_chain.licence_rules import ALLOWED, LicenceRules
from supply_chain.licences import judged, pip_licenses, read_installed
from supply_chain.locked_package import LOCKS, LockedPackage, read_locks

#: The newest that other tools commonly read.
SCHEMA_VERSION: Final = SchemaVersion.V1_6

_PURPOSE: Final = next(iter(LOCKS))


@click.command()
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="File to write; one that exists is replaced when the new one is whole.",
)
@click.option(
    "--model-dir",
    type=click.Path(path_type=Path),
    default=REPOSITORY / "models" / "default",
    help="Model that is served; the one that ships unless you say otherwise.",
)
def main(output: Path, model_dir: Path) -> None:
    """Write what a server is made of as a CycloneDX document, JSON."""
    with one_line_errors():
        _check_folder(output)
        model = Artifact.load(model_dir)
        packages = [each for each in read_locks() if _PURPOSE in each.purposes]
        installed = read_installed(pip_licenses())
        findings = judged(packages, LicenceRules.load(), installed)
        write_whole(output, as_json(bill_of_materials(findings, model)))
    click.echo(f"{output.name}: {len(packages)} packages and the model", err=True)


def bill_of_materials(findings: Sequence[Finding], model: Artifact) -> Bom:
    """List what a server is made of.

    Parameters
    ----------
    findings : sequence of Finding
        The packages that serving installs; the licence of those that are `allowed` is
        told, no other.
    model : Artifact
        The verified model folder.

    Returns
    -------
    Bom
        The document, with this program as its subject. Of the packages' relations only
        those of this program itself are told: the locks do not hold the others.
    """
    project = _project()
    subject = Component(
        name=project["name"],
        version=project["version"],
        type=ComponentType.APPLICATION,
        description=project["description"],
        licenses=[LicenseExpression(project["license"])],
        bom_ref=f"{project['name']}@{project['version']}",
    )
    packages = {finding.package: _package(finding) for finding in findings}
    network = _model(model)
    bom = Bom(components=[*packages.values(), network])
    bom.metadata.component = subject
    # The library fills in the time and a random number, which no two runs share.
    bom.metadata.timestamp = None  # type: ignore[assignment]
    bom.serial_number = None  # type: ignore[assignment]
    asked = {
        canonicalize_name(Requirement(line).name) for line in project["dependencies"]
    }
    direct = [part for package, part in packages.items() if package.name in asked]
    bom.register_dependency(subject, [*direct, network])
    return bom


def as_json(bom: Bom) -> str:
    """Write a document out.

    Parameters
    ----------
    bom : Bom
        The document.

    Returns
    -------
    str
        CycloneDX JSON of `SCHEMA_VERSION`, ending in a line break.
    """
    outputter = make_outputter(bom, OutputFormat.JSON, SCHEMA_VERSION)
    return f"{outputter.output_as_string(indent=2)}\n"


def _check_folder(output: Path) -> None:
    if not output.absolute().parent.is_dir():
        raise SupplyChainError(
            f"--output {output.name}: expected a file in a folder that is there, got "
            f"{output.parent.name!r} before it; make that folder first"
        )


def _project() -> dict[str, Any]:
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    project: dict[str, Any] = tomllib.loads(text)["project"]
    return project


def _package(finding: Finding) -> Component:
    package = finding.package
    purl = PackageURL("pypi", name=package.name, version=package.version)
    licences = (
        [LicenseExpression(finding.details["licence"])]
        if finding.status == ALLOWED
        else []
    )
    return Component(
        name=package.name,
        version=package.version,
        purl=purl,
        bom_ref=str(purl),
        licenses=licences,
        external_references=[_distributions(str(purl), package)],
        properties=_marker(package),
    )


def _distributions(purl: str, package: LockedPackage) -> ExternalReference:
    """The files that may be installed for it, by hash; where they lie is nobody's."""
    return ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(purl),
        comment="each file that the lock lets in",
        hashes=[_sha256(each.removeprefix("sha256:")) for each in package.hashes],
    )


def _marker(package: LockedPackage) -> Iterable[Property]:
    if package.marker is not None:
        yield Property(
            name="deepfake-detector:environment-marker", value=str(package.marker)
        )


def _model(model: Artifact) -> Component:
    card = (model.directory / CARD_FILE).read_bytes()
    digests = model.card.files | {CARD_FILE: hashlib.sha256(card).hexdigest()}
    reference = f"model/{model.card.name}"
    return Component(
        name=model.card.name,
        type=ComponentType.MACHINE_LEARNING_MODEL,
        description=f"{model.card.architecture}; {model.card.licence_note}".rstrip(
            "; "
        ),
        bom_ref=reference,
        components=[
            Component(
                name=name,
                type=ComponentType.FILE,
                hashes=[_sha256(digest)],
                bom_ref=f"{reference}/{name}",
            )
            for name, digest in sorted(digests.items())
        ],
    )


def _sha256(digest: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=digest)


if __name__ == "__main__":
    main()
