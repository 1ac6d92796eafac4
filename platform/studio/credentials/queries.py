"""Counts what strangers ask about clips, and enters every question with its answer into the ledger.

Whoever may ask without end can change a marked clip step by step until no mark is found; so strangers get a
limited number of answers per hour and address, and every answer leaves a trace.
"""

import hashlib
import hmac
import ipaddress
import math
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from provenance.verdict import Outcome
from studio.credentials.models import ClipQuery
from studio.errors import SlateError
from studio.ledger.services import record
from studio.takes.storage import sha256_of
from studio.tenancy.actors import MachineOperator
from studio.tenancy.models import Studio
from studio.tenancy.querysets import is_somebody

WINDOW = timedelta(hours=1)
# Whoever holds an IPv6 address usually holds all of its /64.
IPV6_PREFIX = 64


class TooManyQueries(SlateError):
    code = "verify.too_many"
    status = 429

    def __init__(self, message: str, hint: str, *, retry_after_s: int) -> None:
        super().__init__(message, hint)
        self.retry_after_s = retry_after_s


def admit(actor: Any, address: str) -> None:
    """Count one question of `actor`, who asks from `address`; people who are signed in are not counted.

    Raises TooManyQueries where a stranger's address has used up its hour.
    """
    if is_somebody(actor):
        return
    limit = settings.SLATE_ANONYMOUS_CLIPS_PER_HOUR
    now = timezone.now()
    caller = caller_of(address, now)
    with transaction.atomic():
        _one_at_a_time(caller)
        ClipQuery.objects.filter(asked_at__lt=now - WINDOW).delete()
        asked = ClipQuery.objects.filter(caller=caller).order_by("asked_at")
        if asked.count() < limit:
            ClipQuery.objects.create(caller=caller, asked_at=now)
            return
        oldest = asked.values_list("asked_at", flat=True).first()
    wait_s = max(1, math.ceil(((oldest or now) + WINDOW - now).total_seconds()))
    if limit < 1:
        message, hint = "Here, clips are verified for people who are signed in.", "Sign in, then try again."
    else:
        message = f"{limit} clips an hour can be verified from one address without signing in."
        hint = f"Try again in {math.ceil(wait_s / 60)} minutes, or sign in."
    raise TooManyQueries(message, hint, retry_after_s=wait_s)


def caller_of(address: str, now: datetime) -> str:
    """A name for whoever asks from `address`, from which the address cannot be found; another one every day."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        # A server behind a local socket gives no address; all who come that way share one allowance.
        place = "unknown"
    else:
        is_long = parsed.version == 6
        place = str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False) if is_long else parsed)
    text = f"clip query {now:%Y-%m-%d} {place}"
    return hmac.new(settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


def _one_at_a_time(caller: str) -> None:
    """Two questions of one caller that arrive together are counted one after the other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int(caller[:15], 16)])


def log_refusal(actor: Any, path: Path, code: str) -> None:
    """Enter a clip that could not be read."""
    digest = sha256_of(path) if path.is_file() else ""
    log_answer(actor, sha256=digest, outcome=Outcome.UNREADABLE, watermark="", studio=None, code=code)


@transaction.atomic
def log_answer(
    actor: Any, *, sha256: str, outcome: str, watermark: str, studio: Studio | None, code: str = ""
) -> None:
    """Enter a question and its answer into the ledger: the clip's digest and what was said, never its name.

    `studio` is the one the answer led to; its people may read the entry, so it names the asker only where that
    is one of theirs.
    """
    query = ClipQuery(asked_at=timezone.now())
    asker, who = None, "stranger"
    if isinstance(actor, MachineOperator):
        who = "operator"
    elif is_somebody(actor):
        is_own = studio is None or Studio.objects.visible_to(actor).filter(pk=studio.pk).exists()
        asker, who = (actor, "member") if is_own else (None, "member of another studio")
    details = {"file_sha256": sha256, "outcome": str(outcome), "watermark": watermark, "asked_by": who}
    if code:
        details["code"] = code
    record("clip.verified", subject=query, studio=studio, actor=asker, **details)
