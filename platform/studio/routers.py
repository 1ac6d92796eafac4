"""Keeps ordinary work on the app role's connection; only migrations use the owner's."""

from typing import Any


class AppRoleRouter:
    """Reads and writes go through "default" (no right to alter tables); "owner" is for `migrate`."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "default"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, first: Any, second: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "owner"
