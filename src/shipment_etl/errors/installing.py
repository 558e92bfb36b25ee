"""How to install what is missing: by the names and versions that the metadata of a package declares."""

import shlex

__all__ = ["install_command"]


def install_command(extra: str, package: str, *, of: str = "shipment-etl") -> str:
    """Return the command that installs the dependencies of an extra; only `package` if the extra is not known.

    It names the dependencies, because what has the extra may not be on a package index.
    """
    # Only here, because every command imports the errors.
    from importlib.metadata import PackageNotFoundError, requires

    from packaging.requirements import Requirement

    try:
        declared = [Requirement(each) for each in requires(of) or ()]
    except PackageNotFoundError:
        declared = []
    named = [
        f"{each.name}{'[' + ','.join(sorted(each.extras)) + ']' if each.extras else ''}{each.specifier}"
        for each in declared
        if each.marker and each.marker.evaluate({"extra": extra}) and not each.marker.evaluate({"extra": ""})
    ]
    return f"pip install {shlex.join(named or [package])}"
