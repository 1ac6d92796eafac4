"""A database of its own, a copy of the migrated one, for tests that need commits and several connections."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connections

NAME = "slate_search_test"


@pytest.fixture(scope="module")
def own_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Django speaks to the copy for the length of a module; what is committed there nobody else sees."""
    server = settings.EMBEDDED_SERVER
    was = connections["default"].settings_dict["NAME"]
    with django_db_blocker.unblock():
        connections.close_all()
        with psycopg.connect(server.superuser_dsn(), autocommit=True) as superuser:
            superuser.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
            superuser.execute(f"CREATE DATABASE {NAME} TEMPLATE {was}")
        _speak_to(NAME)
        try:
            yield
        finally:
            connections.close_all()
            _speak_to(was)
            with psycopg.connect(server.superuser_dsn(), autocommit=True) as superuser:
                superuser.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


def _speak_to(name: str) -> None:
    for alias in ("default", "owner"):
        connections[alias].settings_dict["NAME"] = name


@pytest.fixture
def search_folder(tmp_path: Path, settings: Any) -> Path:
    """An empty place for segments."""
    settings.SEARCH_DIR = tmp_path / "search"
    return tmp_path / "search"
