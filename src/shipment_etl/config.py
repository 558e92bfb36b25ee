"""Configuration: settings from a file and the environment, for options that are not on the command line.

Precedence, highest first: command line, environment (`SHIPMENT_ETL_LAKE` and so on), `shipment-etl.toml`, defaults.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Interval

from shipment_etl.declared import parse_toml, parse_values, read_text, strict
from shipment_etl.errors import ConfigError, suggest

__all__ = ["CONFIG_FILE", "NAMES", "Settings", "settings_of_environment", "settings_of_file", "source_of"]

CONFIG_FILE = "shipment-etl.toml"
PREFIX = "SHIPMENT_ETL_"
CONFIG_VARIABLE = f"{PREFIX}CONFIG"
"""Variable that names another file."""
OF_KUBERNETES = re.compile(f"{PREFIX}(.+_)?(PORT|PORT_.*|SERVICE_HOST|SERVICE_PORT.*)")
"""Variables that every pod gets if the name of a Kubernetes service begins with shipment-etl."""
OTHER_VARIABLES = (CONFIG_VARIABLE, f"{PREFIX}JARS", f"{PREFIX}IVY_SETTINGS", f"{PREFIX}PACKAGES")
"""Variables that are not settings of commands: for this module, for `engines.jars` (two), for the EMR adapter."""


@strict
@dataclass(frozen=True, slots=True)
class Settings:
    """What can be configured; None if not set.

    `lake` is the URI of the lake; `engine` the name of an engine; `network` a TOML file of warehouses, cities and carriers;
    `max_rejected` the share of rows that may be quarantined; `log` the format of the log on stderr; `lineage` whether
    OpenLineage events are sent.
    """

    lake: str | None = None
    engine: str | None = None
    network: str | None = None
    max_rejected: Annotated[float, Interval(ge=0, le=1)] | None = None
    log: Literal["text", "json"] | None = None
    lineage: bool | None = None

    @property
    def given(self) -> dict[str, object]:
        """The settings that are set."""
        return {name: value for name, value in asdict(self).items() if value is not None}


SOURCES = {"COMMANDLINE": "command line", "DEFAULT_MAP": "file", "DEFAULT": "default"}
NAMES = tuple(field.name for field in fields(Settings))


def settings_of_file(environment: Mapping[str, str]) -> Settings:
    """Return the settings in the configuration file; none if there is no such file.

    Raises:
        ConfigError: the file that the environment names is missing, or a key or value is wrong.
    """
    named = environment.get(CONFIG_VARIABLE)
    if not named and not Path(CONFIG_FILE).exists():
        return Settings()
    path = named or CONFIG_FILE
    return parse_toml(read_text(path, ConfigError), Settings, path, ConfigError)


def settings_of_environment(environment: Mapping[str, str]) -> Settings:
    """Return the settings in the environment; an empty variable is not set.

    Raises:
        ConfigError: a variable that begins with SHIPMENT_ETL_ is unknown, or its value is wrong.
    """
    known = {f"{PREFIX}{name.upper()}": name for name in NAMES}
    given = {}
    for variable, value in environment.items():
        if not value or OF_KUBERNETES.fullmatch(variable):
            continue
        if variable in known:
            given[known[variable]] = value
        elif variable.startswith(PREFIX) and variable not in OTHER_VARIABLES:
            hint = suggest(variable, [*known, *OTHER_VARIABLES])
            raise ConfigError(f"The environment has an unknown variable {variable}.", hint, variable=variable)
    return parse_values(given, Settings, "the environment", ConfigError) if given else Settings()


def source_of(name: str, source: str) -> str:
    """Return a description of where a setting's value comes from, given the parser's name for it."""
    return f"environment, {PREFIX}{name.upper()}" if source == "ENVIRONMENT" else SOURCES[source]
