"""What every test stands on: its own embedded PostgreSQL, the app role, real media, few threads."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django
import pytest

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = Path(os.environ.get("SLATE_FIXTURES", ROOT.parent / "shared" / "fixtures" / "real"))

# Before anything imports the settings: tests share nothing with the installation in var/.
_var = tempfile.TemporaryDirectory(prefix="slate-test-")
os.environ["SLATE_VAR"] = _var.name
# Named here and not in pyproject.toml: pytest-django would import the settings before this file runs.
os.environ["DJANGO_SETTINGS_MODULE"] = "studio.settings"
os.environ["SLATE_DATABASE_DURABLE"] = "false"
os.environ["SLATE_TORCH_THREADS"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.pop("DATABASE_URL", None)
os.environ.pop("DATABASE_OWNER_URL", None)
django.setup()

TEST_DATABASE = "slate_test"


def pytest_configure() -> None:
    import cv2

    cv2.setNumThreads(1)


@pytest.fixture(scope="session")
def real_media() -> Path:
    """The folder of real images, videos and sounds; in CI it is always there."""
    if not FIXTURES.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"CI must have the real media at {FIXTURES}; set SLATE_FIXTURES")
        pytest.skip(f"no real media at {FIXTURES}; set SLATE_FIXTURES")
    return FIXTURES


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """A database migrated by the owner role and used by the app role, as in production."""
    from django.conf import settings
    from django.db import connections

    from studio.installation import migrate

    server = settings.EMBEDDED_SERVER
    server.ensure_running()
    server.hold()
    server.create_database(TEST_DATABASE)
    for alias in ("default", "owner"):
        settings.DATABASES[alias]["NAME"] = TEST_DATABASE
        connections[alias].settings_dict["NAME"] = TEST_DATABASE
    with django_db_blocker.unblock():
        migrate()
        connections["owner"].close()
    yield
    with django_db_blocker.unblock():
        connections.close_all()
