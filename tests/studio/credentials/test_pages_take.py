"""The page of a take: its proof in words, and the proof itself to download."""

import re
from typing import Any

import pytest
from cryptography import x509
from django.test import Client
from django.urls import reverse

from provenance.manifest.reading import read_credential
from provenance.manifest.report import CredentialState
from provenance.manifest.trust import TrustAnchors
from studio.references.models import Match
from studio.references.services import get_or_create_bank
from studio.takes.models import Take
from studio.tenancy.models import Role
from tests.studio import factories
from tests.studio.finished_take import PROMPT, PublishedTake

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def member(client: Client, published: PublishedTake) -> Client:
    client.force_login(published.artist, backend=BACKEND)
    return client


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def test_the_panel_says_who_signed_what_with_what_and_when(member: Client, published: PublishedTake) -> None:
    page = text_of(member.get(reverse("take", args=[published.take.pk])))
    master = published.take.master
    for part in (
        "Content Credentials",
        "AI-generated",
        "Signed by",
        "Issued by",
        "Slate development",
        "Created",
        "Watermarked",
        master.credential.manifest_id,
        master.credential.signer_serial,
        master.sha256,
        published.take.mark_id,
    ):
        assert part in page
    assert f"{master.credential.signed_at:%Y}" in page


def test_every_layer_of_the_gate_answers_in_a_sentence(member: Client, published: PublishedTake) -> None:
    page = text_of(member.get(reverse("take", args=[published.take.pk])))
    layers = published.take.master.gate.layers
    assert "Read back as trusted." in page
    assert f"{layers['watermark']['z']:.1f} standard deviations above chance" in page
    assert re.search(r"Chance that an unmarked clip looks like this: <strong>(less than )?1 in ", page)
    assert f"of {layers['fingerprint']['frames']} sampled frames agree" in page


def test_makers_read_the_whole_recipe_and_auditors_all_but_its_words(
    client: Client, published: PublishedTake
) -> None:
    address = reverse("take", args=[published.take.pk])
    for role, reads in ((Role.ARTIST, True), (Role.AUDITOR, False)):
        client.force_login(factories.make_person(published.studio, role), backend=BACKEND)
        page = text_of(client.get(address))
        assert (PROMPT in page) is reads
        assert published.take.recipe["model_digest"] in page
        assert str(published.take.recipe["seed"]) in page


def test_matches_are_drawn_and_listed_with_their_times(member: Client, published: PublishedTake) -> None:
    work = factories.make_work(get_or_create_bank(published.studio, "Known films"), "Big Film")
    Match.objects.create(
        take=published.take,
        work=work,
        take_start_s=0.5,
        take_end_s=1.5,
        work_start_s=61.0,
        work_end_s=62.0,
        speed=1.0,
        hits=4,
        mean_distance=9.75,
    )
    page = text_of(member.get(reverse("take", args=[published.take.pk])))
    assert 'x="250.00" y="2" width="500.00"' in page
    words = (
        "For review: “Big Film” (Known films), 0:00.5–0:01.5 of the take (50 %), 1:01.0–1:02.0 of the work"
    )
    assert page.count(words) == 2
    opened = text_of(
        member.get(reverse("take", args=[published.take.pk]), {"match": published.take.matches.get().pk})
    )
    assert "0.5 to 1.5 s of this take show 1:01.0 to 1:02.0 of “Big Film” (Known films)." in opened
    assert "10 of the 256 bits" in opened


def test_a_take_without_a_match_says_that_it_was_looked_for(member: Client, published: PublishedTake) -> None:
    page = text_of(member.get(reverse("take", args=[published.take.pk])))
    assert "There were no reference works to check it against." in page


def test_a_take_that_is_not_published_shows_no_file_and_no_credential(
    member: Client, published: PublishedTake
) -> None:
    take = factories.make_take(published.shot, published.artist, state=Take.State.IN_REVIEW)
    factories.make_rendition(take)
    response = member.get(reverse("take", args=[take.pk]))
    page = text_of(response)
    assert response.status_code == 200
    assert "This take is not published" in page
    assert "<video" not in page
    assert 'id="credentials"' not in page
    assert "In review" in page
    assert member.get(reverse("take-manifest", args=[take.pk])).status_code == 404


def test_neighbouring_versions_are_one_click_away(member: Client, published: PublishedTake) -> None:
    second = factories.make_take(published.shot, published.artist)
    first_page = text_of(member.get(reverse("take", args=[published.take.pk])))
    second_page = text_of(member.get(reverse("take", args=[second.pk])))
    assert reverse("take", args=[second.pk]) in first_page
    assert reverse("take", args=[published.take.pk]) in second_page


def test_the_manifest_is_the_stored_one_byte_for_byte(member: Client, published: PublishedTake) -> None:
    response = member.get(reverse("take-manifest", args=[published.take.pk]))
    assert response["Content-Type"] == "application/c2pa"
    assert response.content == bytes(published.take.master.credential.manifest)
    assert response["Content-Disposition"] == 'attachment; filename="ZZTOP_0420_v001.c2pa"'


def test_anybody_gets_the_root_certificate_that_checks_a_take(
    client: Client, published: PublishedTake
) -> None:
    response = client.get(reverse("trust-root"))
    assert response.status_code == 200
    pem = response.content.decode()
    assert "PRIVATE" not in pem
    (certificate,) = x509.load_pem_x509_certificates(response.content)
    assert certificate.subject == certificate.issuer
    assert read_credential(published.path, TrustAnchors(pem=pem)).state == CredentialState.TRUSTED
