"""A studio's secrets are its own: stable, and unlike those of any other studio, purpose or epoch."""

import itertools

from studio.ids import uuid7
from studio.tenancy.models import Studio
from studio.tenancy.secrets import studio_secret, watermark_key_id


def test_a_secret_stays_what_it_was() -> None:
    pk = uuid7()
    assert studio_secret(Studio(id=pk), "watermark") == studio_secret(Studio(id=pk), "watermark")


def test_studio_purpose_and_epoch_each_make_another_secret() -> None:
    studios = [Studio(id=uuid7()) for _ in range(3)]
    # ("a", 11) and ("a/1", 1) must not meet, whatever stands between the parts.
    cases = list(itertools.product(studios, ("watermark", "salt", "a", "a/1"), (1, 2, 11)))
    secrets = [studio_secret(studio, purpose, epoch) for studio, purpose, epoch in cases]
    assert {len(secret) for secret in secrets} == {32}
    assert len(set(secrets)) == len(cases)


def test_the_key_s_name_tells_studio_and_epoch_and_no_part_of_the_secret() -> None:
    studio = Studio(id=uuid7())
    name = watermark_key_id(studio, 3)
    assert name == f"{studio.pk}/3"
    assert studio_secret(studio, "watermark", 3).hex()[:8] not in name
