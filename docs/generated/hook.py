"""Pages generated from the code each time the site is built, so that they cannot become outdated. None is committed."""

from collections.abc import Callable, Mapping

# These imports work because mkdocs puts this folder on the path while it loads the hook.
from commands import commands_page
from data import data_page
from decisions import decisions_page
from errors import errors_page
from hooks import hooks_page
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from python import python_page
from run import run_page

PAGES: Mapping[str, Callable[[], str]] = {
    "explanation/decisions.md": decisions_page,
    "reference/commands.md": commands_page,
    "reference/data.md": data_page,
    "reference/errors.md": errors_page,
    "reference/hooks.md": hooks_page,
    "reference/python.md": python_page,
    "reference/run.md": run_page,
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages to the files of the site."""
    for path, page in PAGES.items():
        files.append(File.generated(config, path, content=page()))
    return files
