"""The town with secrets, its twin without, and a way to ask both."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from stadtgraph.web import create_app
from vault import Vault


@pytest.fixture(scope="session")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Vault:
    """The town with secrets."""
    return Vault(tmp_path_factory.mktemp("vault"), secret=True)


@pytest.fixture(scope="session")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Vault:
    """The same town, which never had any."""
    return Vault(tmp_path_factory.mktemp("twin"), secret=False)


@pytest.fixture(scope="session")
def vault_app(vault: Vault) -> Iterator[Flask]:
    """The application over the town with secrets."""
    with vault.city as city:
        yield create_app(city, testing=True)


@pytest.fixture(scope="session")
def twin_app(twin: Vault) -> Iterator[Flask]:
    """The application over the twin."""
    with twin.city as city:
        yield create_app(city, testing=True)


@pytest.fixture
def client(vault_app: Flask) -> FlaskClient:
    """Anybody, at the town with secrets."""
    return vault_app.test_client(use_cookies=False)


@pytest.fixture
def other(twin_app: Flask) -> FlaskClient:
    """Anybody, at the twin."""
    return twin_app.test_client(use_cookies=False)
