"""Keeps sessions in the database; a cookie that cannot be a session's key is no session, and never a query."""

import string

from django.contrib.sessions.backends import db

KEY_CHARACTERS = frozenset(string.ascii_lowercase + string.digits)


class SessionStore(db.SessionStore):
    def _validate_session_key(self, key: str | None) -> bool:
        """Keys are lower-case letters and digits; a NUL in a forged cookie would break the query."""
        return bool(key) and len(key or "") >= 8 and KEY_CHARACTERS.issuperset(key or "")
