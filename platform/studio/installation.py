"""Brings an installation to the state in which it can work: database, tables, rights, keys, first studio."""

import logging
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.utils import OperationalError

from studio.errors import DatabaseUnavailable, SlateError

logger = logging.getLogger(__name__)

# Tables the app role may only add to (and read); the triggers of the migrations are the second fence.
APPEND_ONLY_TABLES = (
    "ledger_entry",
    "credentials_credential",
    "credentials_watermarkrecord",
    "credentials_gatereport",
    "handouts_pair",
    "handouts_copy",
)
MINIMUM_FREE_MIB = 256


class DiskFull(SlateError):
    code = "disk.full"


@dataclass(frozen=True)
class NewPerson:
    """A demo account just made; the password exists nowhere else in clear."""

    name: str
    email: str
    role: str
    password: str


def check_disk() -> None:
    """Raise DiskFull where a first take would not fit."""
    free_mib = shutil.disk_usage(settings.VAR_DIR).free >> 20
    if free_mib < MINIMUM_FREE_MIB:
        raise DiskFull(
            f"The disk that holds {settings.VAR_DIR} is full: {free_mib} MiB are left.",
            f"Slate needs at least {MINIMUM_FREE_MIB} MiB there; free some space or set SLATE_VAR.",
        )


def start_database() -> None:
    """Start the embedded server and hold it for this process, or check that the configured one answers."""
    if settings.EMBEDDED_SERVER is not None:
        settings.EMBEDDED_SERVER.ensure_running()
        settings.EMBEDDED_SERVER.hold()
        return
    try:
        connections["default"].ensure_connection()
    except OperationalError as error:
        raise DatabaseUnavailable(
            f"The database of DATABASE_URL does not answer: {str(error).splitlines()[0]}",
            "Start it or correct DATABASE_URL; without DATABASE_URL Slate brings its own.",
        ) from error


def migrate(database: str = "owner") -> None:
    """Apply the migrations as the owning role, then give the app role exactly what it needs."""
    call_command("migrate", database=database, interactive=False, verbosity=0)
    grant_app_role(database)


def grant_app_role(database: str = "owner") -> None:
    """Let the app role read and write rows everywhere, but only add to append-only tables, and alter nothing."""
    role = settings.DATABASE_APP_ROLE
    connection = connections[database]
    if connection.settings_dict.get("USER") == role:
        logger.warning(
            "Slate migrates and works as the same database role %s; set DATABASE_OWNER_URL to a second role, "
            "or the application can alter its own tables.",
            role,
        )
        return
    quoted = connection.ops.quote_name(role)
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {quoted}")
        cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {quoted}")
        cursor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {quoted}")
        for table in APPEND_ONLY_TABLES:
            cursor.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {quoted}")
        cursor.execute(f"REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {quoted}")


def prepare() -> None:
    """Database, tables and keys; safe to repeat, and quick when there is nothing to do."""
    from studio.credentials.services import ensure_authority

    settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
    check_disk()
    start_database()
    try:
        migrate()
    except (OperationalError, psycopg.OperationalError) as error:
        raise DatabaseUnavailable(
            f"The database stopped answering while its tables were prepared: {str(error).splitlines()[0]}",
            "See the database's log, then start again; migrations continue where they ended.",
        ) from error
    ensure_authority()


DEMO_PEOPLE = (
    ("Ada Artist", "artist", "artist"),
    ("Sol Supervisor", "supervisor", "supervisor"),
    ("Max Manager", "production_manager", "manager"),
    ("Ines Auditor", "auditor", "auditor"),
    ("Otto Operator", "operator", "operator"),
)
DEMO_SHOTS = (
    ("A red car on a street at dusk, camera pans right", 2.0),
    ("A white boat at sea in the morning, static camera", 2.0),
    ("A yellow house in the snow at night, camera dollies in", 2.0),
)


def create_demo() -> list[NewPerson]:
    """A demo studio with a production, a sequence of three shots and one person per role.

    Does nothing, and returns nobody, where a studio exists already. Passwords are random.
    """
    from django.db import transaction

    from studio.accounts.models import User
    from studio.productions.services import create_production, create_shot, get_or_create_sequence
    from studio.tenancy.models import Role, Studio
    from studio.tenancy.services import add_member, create_studio

    if Studio.objects.exists():
        return []
    people = []
    with transaction.atomic():
        studio = create_studio("Demo studio", "demo")
        for name, role, mailbox in DEMO_PEOPLE:
            password = secrets.token_urlsafe(12)
            email = f"{mailbox}@demo.example"
            user = User.objects.create_user(email, password, name=name)
            add_member(studio, user, Role(role))
            people.append(NewPerson(name, email, str(Role(role).label), password))
        manager = User.objects.get(email="manager@demo.example")
        production = create_production(studio, "first-light", "First Light", actor=manager)
        sequence = get_or_create_sequence(production, "SEQ010", name="Arrival", actor=manager)
        for description, seconds in DEMO_SHOTS:
            create_shot(sequence, description=description, duration_seconds=seconds, actor=manager)
    return people


def print_people(out: Any, people: Sequence[NewPerson]) -> None:
    out.write("\nA demo studio was made. These passwords are shown once and stored only as hashes:\n")
    widths = [max(len(getattr(person, name)) for person in people) for name in ("role", "email")]
    for person in people:
        out.write(f"  {person.role:<{widths[0]}}  {person.email:<{widths[1]}}  {person.password}")
    out.write("")
