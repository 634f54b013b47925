"""The files of `docs/deploy` fit each other and the program: what they name exists, what they call is a call."""

from __future__ import annotations

import ast
import ipaddress
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from stadtgraph import City
from stadtgraph.cli import parser
from stadtgraph.config import Config, load_config
from stadtgraph.web import create_app

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "docs" / "deploy"
UNITS = sorted(path for path in DEPLOY.iterdir() if path.suffix in (".service", ".timer"))
VARIABLE = re.compile(r"STADTGRAPH_[A-Z_]+")
READ_ELSEWHERE = {"STADTGRAPH_CITY"}


def entries(unit: Path) -> list[tuple[str, str]]:
    """Give the settings of a unit in order."""
    lines = [line.strip() for line in unit.read_text("utf-8").splitlines()]
    return [tuple(line.split("=", 1)) for line in lines if line and line[0] not in "#["]  # type: ignore[misc]


def instructions() -> list[tuple[str, str]]:
    """Give the instructions of the Containerfile in order."""
    text = (DEPLOY / "Containerfile").read_text("utf-8").replace("\\\n", " ")
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line and line[0] != "#"]  # type: ignore[misc]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """What the compose file says."""
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The addresses that the program answers."""
    with City(tmp_path_factory.mktemp("deploy") / "city") as city:
        return [rule.rule for rule in create_app(city, testing=True).url_map.iter_rules()]


def test_every_file_is_looked_at() -> None:
    """A new one needs a test here."""
    known = {*(unit.name for unit in UNITS), "Caddyfile", "Containerfile", "compose.yaml"}
    assert {path.name for path in DEPLOY.iterdir()} == known and len(UNITS) == 3


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """Not a word of complaint; the program stands in for the installed one, which is elsewhere."""
    for unit in UNITS:
        text = unit.read_text("utf-8").replace("/opt/stadtgraph/bin/stadtgraph", sys.executable)
        (tmp_path / unit.name).write_text(text, "utf-8")
    call = ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / unit.name) for unit in UNITS)]
    found = subprocess.run(call, capture_output=True, text=True, timeout=600)
    ours = [line for line in found.stderr.splitlines() if "stadtgraph" in line]
    assert found.returncode == 0 and not ours, found.stderr


@pytest.mark.parametrize("unit", [u for u in UNITS if u.suffix == ".service"], ids=lambda u: u.name)
def test_a_unit_starts_a_call_that_the_program_takes(unit: Path) -> None:
    """Its folder is one that the unit may write to, and its time to stop is longer than the server's own."""
    settings = dict(entries(unit))
    program, *arguments = shlex.split(settings["ExecStart"])
    assert program == "/opt/stadtgraph/bin/stadtgraph"
    options = parser("en").parse_args(arguments)
    assert str(options.city).startswith(settings["ReadWritePaths"] + "/")
    assert settings["ReadWritePaths"] == f"/var/lib/{settings['StateDirectory']}"
    if options.command == "serve":
        assert float(settings["TimeoutStopSec"]) > Config().serve.grace + 10
        assert int(settings["LimitNOFILE"]) >= 20_000
        bounds = [int(settings[key].removesuffix("G")) << 30 for key in ("MemoryHigh", "MemoryMax")]
        assert Config().query.memory < bounds[0] < bounds[1]


def test_a_timer_starts_a_unit_that_there_is() -> None:
    """By its name."""
    for unit in UNITS:
        if unit.suffix == ".timer":
            assert dict(entries(unit)).get("Unit", unit.with_suffix(".service").name) in {u.name for u in UNITS}


@pytest.mark.parametrize("file", sorted(DEPLOY.iterdir()), ids=lambda p: p.name)
def test_every_setting_in_the_environment_is_one_of_the_program(file: Path, tmp_path: Path) -> None:
    """With a value that it takes."""
    text = file.read_text("utf-8")
    named = dict(re.findall(r"(STADTGRAPH_[A-Z_]+)(?:=|:\s*)(\S+)", text))
    assert set(named) == set(VARIABLE.findall(text))
    load_config(tmp_path, {k: v for k, v in named.items() if k not in READ_ELSEWHERE})


def test_the_steps_of_the_image_name_what_exists() -> None:
    """Stages, folders, the program, its calls, and a Python that the package runs on."""
    found = instructions()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    stages = [value.split(" AS ")[-1] for name, value in found if name == "FROM" and " AS " in value]
    for name, value in found:
        if name == "FROM":
            version = tuple(map(int, re.search(r"python:(\d+)\.(\d+)", value).groups()))  # type: ignore[union-attr]
            assert version >= tuple(map(int, project["requires-python"].removeprefix(">=").split(".")))
        elif name == "COPY":
            stage = re.search(r"--from=(\S+)", value)
            assert stage is None or stage[1] in stages
    values: dict[str, str] = {}
    for name, value in found:
        values[name] = f"{values[name]} {value}" if name in ("ENV", "RUN") and name in values else value
    (entry,), call = json.loads(values["ENTRYPOINT"]), json.loads(values["CMD"])
    assert entry in project["scripts"] and parser("en").parse_args(call).command == "serve"
    assert int(values["EXPOSE"]) == Config().serve.port
    city = re.search(r"STADTGRAPH_CITY=(\S+)", values["ENV"])[1]  # type: ignore[index]
    assert city == values["VOLUME"] and f"install -d -o {values['USER']}" in values["RUN"] and city in values["RUN"]
    assert "PATH=/opt/stadtgraph/bin:" in values["ENV"] and values["STOPSIGNAL"] == "SIGTERM"


def test_the_health_check_of_the_image_is_python_that_asks_an_address_there_is(addresses: list[str]) -> None:
    """At the port that the program serves on."""
    (value,) = [value for name, value in instructions() if name == "HEALTHCHECK"]
    program, option, text = json.loads(value[value.index("[") :])
    assert (program, option) == ("python", "-c")
    ast.parse(text)
    port, path = re.search(r"http://127\.0\.0\.1:(\d+)(/\S*?)'", text).groups()  # type: ignore[union-attr]
    assert int(port) == Config().serve.port and path in addresses


def test_what_goes_into_the_image_holds_what_the_package_is_made_from() -> None:
    """And neither the city that may lie in a checkout, nor its history."""
    left_out = (ROOT / ".dockerignore").read_text("utf-8").split()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    needed = ["pyproject.toml", *project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"], "src"]
    needed += [project["project"]["readme"]] if isinstance(project["project"].get("readme"), str) else []
    for name in needed:
        assert (ROOT / name).exists() and not any(fnmatch(name, pattern) for pattern in left_out), name
    assert {".git", "city"} <= set(left_out)


def test_the_services_fit_each_other(compose: dict[str, Any], addresses: list[str]) -> None:
    """Folders, networks, addresses, volumes, times and calls of the compose file and of the proxy's."""
    server, proxy = compose["services"]["stadtgraph"], compose["services"]["proxy"]
    context = (DEPLOY / server["build"]["context"]).resolve()
    assert context == ROOT and (context / server["build"]["dockerfile"]) == DEPLOY / "Containerfile"
    assert server["environment"]["STADTGRAPH_SERVE_TRUSTED_PROXY"] == proxy["networks"]["inside"]["ipv4_address"]
    (subnet,) = [ipaddress.ip_network(c["subnet"]) for c in compose["networks"]["inside"]["ipam"]["config"]]
    inside = [ipaddress.ip_address(s["networks"]["inside"]["ipv4_address"]) for s in (server, proxy)]
    assert len(set(inside)) == 2 and all(address in subnet for address in inside)
    assert {n for s in (server, proxy) for n in s["networks"]} == set(compose["networks"])
    volumes = [v.split(":")[0] for s in (server, proxy) for v in s["volumes"]]
    assert {v for v in volumes if not v.startswith(".")} == set(compose["volumes"])
    assert all((DEPLOY / v).is_file() for v in volumes if v.startswith("."))
    assert f"city:{dict(instructions())['VOLUME']}" in server["volumes"]
    assert int(server["stop_grace_period"].removesuffix("s")) > Config().serve.grace + 10
    assert set(proxy["depends_on"]) <= set(compose["services"])
    caddy = (DEPLOY / "Caddyfile").read_text("utf-8")
    assert f"reverse_proxy {inside[0]}:{Config().serve.port} " in caddy
    assert re.search(r"path (/\S+)", caddy)[1] in addresses  # type: ignore[index]
    assert caddy.count("{") == caddy.count("}")


def test_the_calls_in_the_comments_are_calls_of_the_program() -> None:
    """`... run --rm stadtgraph build` and the like."""
    calls = re.findall(r"run --rm stadtgraph (.+)", (DEPLOY / "compose.yaml").read_text("utf-8"))
    assert calls
    for call in calls:
        parser("en").parse_args(shlex.split(call))
