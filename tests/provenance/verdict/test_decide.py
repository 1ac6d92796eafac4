"""The verdict on every combination of what the layers can find, by rule."""

from dataclasses import replace
from itertools import product

import pytest

from provenance.manifest.report import CredentialReport, CredentialState
from provenance.verdict import (
    CredentialEvidence,
    Evidence,
    FingerprintEvidence,
    Outcome,
    TakeMatch,
    TimeRange,
    WatermarkEvidence,
    WorkMatch,
    decide,
)

A, B = "take-a", "take-b"
State = CredentialState

CREDENTIALS = {
    "not asked": CredentialEvidence(),
    "unreadable": CredentialEvidence(State.UNREADABLE),
    "absent": CredentialEvidence(State.ABSENT),
    "foreign": CredentialEvidence(State.VALID_UNTRUSTED, signer="Somebody Else"),
    "trusted stranger": CredentialEvidence(State.TRUSTED, signer="Partner Studio"),
    "trusted A": CredentialEvidence(State.TRUSTED, A, signer="Test Studio"),
    "trusted A, broken history": CredentialEvidence(State.TRUSTED, A, history_intact=False),
    "claims A untrusted": CredentialEvidence(State.VALID_UNTRUSTED, A),
    "claims A invalid": CredentialEvidence(State.INVALID, A, failures=("assertion.bmffHash.mismatch",)),
    "invalid": CredentialEvidence(State.INVALID, failures=("claimSignature.mismatch",)),
}
MARKS = {
    "not searched": WatermarkEvidence(),
    "none": WatermarkEvidence(answered=True),
    "unknown": WatermarkEvidence(answered=True, found=True),
    "A": WatermarkEvidence(answered=True, found=True, take_id=A),
    "B": WatermarkEvidence(answered=True, found=True, take_id=B),
}
CONTENTS = {
    "not compared": FingerprintEvidence(),
    "none": FingerprintEvidence(answered=True),
    "work": FingerprintEvidence(answered=True, works=(WorkMatch("A film"),)),
    "A": FingerprintEvidence(answered=True, takes=(TakeMatch(A),)),
    "B": FingerprintEvidence(answered=True, takes=(TakeMatch(B),)),
    "A and B": FingerprintEvidence(answered=True, takes=(TakeMatch(A), TakeMatch(B))),
}

EVERY = [
    (
        f"{c} | mark {m} | content {f} | {'released A' if released else 'unknown bytes'}",
        Evidence(CREDENTIALS[c], MARKS[m], CONTENTS[f], released),
    )
    for c, m, f, released in product(CREDENTIALS, MARKS, CONTENTS, (None, A))
]


def expected(e: Evidence) -> Outcome:
    """The rules, as a list read from top to bottom; the first that applies decides."""
    released = e.released_take_id is not None
    vouched = e.credential.state is State.TRUSTED and e.credential.take_id is not None
    content = {match.take_id for match in e.fingerprint.takes}
    mark_is = e.watermark.take_id
    silent = e.credential.state in (None, State.UNREADABLE) and not e.watermark.answered
    rules: list[tuple[bool, Outcome]] = [
        (not released and silent and not e.fingerprint.answered, Outcome.UNREADABLE),
        # Two layers that each name one take disagree.
        ((released or vouched) and mark_is == B, Outcome.CONTRADICTORY),
        # These bytes were released, whatever else they resemble.
        (released, Outcome.RECOGNISED),
        # A trusted credential for A, with a mark that is not A's or content that is only B's.
        (vouched and e.watermark.found and mark_is is None, Outcome.CONTRADICTORY),
        (vouched and content == {B}, Outcome.CONTRADICTORY),
        (vouched and e.credential.history_intact, Outcome.RECOGNISED),
        (vouched, Outcome.ALTERED),
        # A mark that the content does not bear out is possibly a copy.
        (e.watermark.found and mark_is is None, Outcome.CONTRADICTORY),
        (e.watermark.found and e.fingerprint.answered and mark_is not in content, Outcome.CONTRADICTORY),
        # Mark or content say our take, and no credential vouches for it.
        (e.watermark.found or bool(content), Outcome.ALTERED),
        (True, Outcome.NOT_RECOGNISED),
    ]
    return next(outcome for applies, outcome in rules if applies)


@pytest.mark.parametrize(("name", "evidence"), EVERY, ids=[name for name, _ in EVERY])
def test_truth_table(name: str, evidence: Evidence) -> None:
    verdict = decide(evidence)
    assert verdict.outcome is expected(evidence)
    assert (verdict.take_id is not None) == (verdict.outcome in (Outcome.RECOGNISED, Outcome.ALTERED))
    assert (
        verdict.exit_code
        == {
            "recognised": 0,
            "not_recognised": 1,
            "altered": 2,
            "contradictory": 2,
            "unreadable": 3,
        }[verdict.outcome]
    )
    said = " ".join([verdict.headline, *(reason.sentence for reason in verdict.reasons)]).lower()
    assert "fake" not in said
    assert {reason.layer for reason in verdict.reasons} >= {"credential", "watermark", "fingerprint"}


def test_the_table_reaches_every_outcome() -> None:
    assert {decide(evidence).outcome for _, evidence in EVERY} == set(Outcome)


@pytest.mark.parametrize(
    "credential", ["foreign", "trusted stranger", "claims A untrusted", "claims A invalid"]
)
def test_what_a_credential_we_cannot_rely_on_says_never_decides(credential: str) -> None:
    for mark, content in product(MARKS.values(), CONTENTS.values()):
        without = decide(Evidence(CREDENTIALS["absent"], mark, content))
        assert decide(Evidence(CREDENTIALS[credential], mark, content)).outcome is without.outcome


def test_reference_works_never_decide_but_are_reported() -> None:
    for credential, mark in product(CREDENTIALS.values(), MARKS.values()):
        plain = Evidence(credential, mark, CONTENTS["none"])
        with_work = replace(plain, fingerprint=CONTENTS["work"])
        assert decide(with_work).outcome is decide(plain).outcome
        assert any("'A film'" in reason.sentence for reason in decide(with_work).reasons)


def test_intact_is_only_said_on_proof_of_the_bytes() -> None:
    for name, evidence in EVERY:
        if decide(evidence).outcome is Outcome.RECOGNISED:
            assert evidence.released_take_id == A or evidence.credential.state is State.TRUSTED, name


@pytest.mark.parametrize(
    ("evidence", "headline"),
    [
        (
            Evidence(CREDENTIALS["trusted A"], MARKS["A"], CONTENTS["A"]),
            "Recognised and intact: LH_010 v003.",
        ),
        (
            Evidence(CREDENTIALS["absent"], MARKS["A"], CONTENTS["A"]),
            "Recognised as LH_010 v003, but not as it was released.",
        ),
        (
            Evidence(CREDENTIALS["absent"], MARKS["A"], CONTENTS["none"]),
            "Contradictory: a mark is present, but the content is no known take; possibly a copy of the mark.",
        ),
        (
            Evidence(CREDENTIALS["absent"], MARKS["B"], CONTENTS["A"]),
            "Contradictory: the mark and the content name different takes.",
        ),
        (Evidence(CREDENTIALS["trusted A"], MARKS["B"]), "Contradictory: the layers name different takes."),
        (
            Evidence(CREDENTIALS["foreign"], MARKS["none"], CONTENTS["none"]),
            "Not recognised: nothing here leads to a take of this installation.",
        ),
        (
            Evidence(unreadable="clip.mp4 is empty: it has 0 bytes."),
            "The file could not be read, so nothing can be said about it.",
        ),
    ],
)
def test_headlines_use_the_names_people_know(evidence: Evidence, headline: str) -> None:
    assert decide(replace(evidence, take_names={A: "LH_010 v003"})).headline == headline


def sentences(evidence: Evidence, layer: str) -> list[str]:
    return [reason.sentence for reason in decide(evidence).reasons if reason.layer == layer]


@pytest.mark.parametrize(
    ("credential", "part"),
    [
        (CREDENTIALS["foreign"], "signer 'Somebody Else' is not on this trust list"),
        (CREDENTIALS["trusted stranger"], "was not issued for any take known here"),
        (CREDENTIALS["trusted A, broken history"], "An earlier version of the file"),
        (CREDENTIALS["claims A invalid"], "does not fit this file (assertion.bmffHash.mismatch)"),
        (
            CredentialEvidence(State.INVALID, A, failures=("signingCredential.expired",)),
            "certificate has since expired",
        ),
        (CredentialEvidence(State.TRUSTED, A, uncovered_bytes=8), "8 bytes in padding boxes"),
    ],
)
def test_a_credential_is_reported_for_what_it_is(credential: CredentialEvidence, part: str) -> None:
    assert any(part in text for text in sentences(Evidence(credential), "credential"))


def test_matches_are_reported_with_their_times_and_the_longest_names_the_take() -> None:
    short = TakeMatch(B, (TimeRange(0.0, 1.5, 10.0, 11.5),))
    long = TakeMatch(A, (TimeRange(2.0, 4.0, 0.0, 2.0), TimeRange(6.0, 7.0, 4.0, 5.0)))
    evidence = Evidence(CREDENTIALS["absent"], MARKS["none"], FingerprintEvidence(True, (short, long)))
    assert decide(evidence).take_id == A
    assert sentences(evidence, "fingerprint") == [
        "The content matches take-b at 0.0-1.5 s.",
        "The content matches take-a at 2.0-4.0 s, 6.0-7.0 s.",
    ]


def test_evidence_is_taken_from_a_report_as_it_stands() -> None:
    report = CredentialReport(
        State.TRUSTED,
        signer_organisation="Test Studio",
        ingredient_failures=("signingCredential.untrusted", "assertion.bmffHash.mismatch"),
        uncovered_bytes=3,
    )
    assert CredentialEvidence.of(report, A) == CredentialEvidence(
        State.TRUSTED, A, history_intact=False, signer="Test Studio", uncovered_bytes=3
    )
    assert CredentialEvidence.of(None, A).vouched_take_id is None


def test_a_verdict_can_be_written_as_json() -> None:
    written = decide(Evidence(CREDENTIALS["trusted A"])).as_dict()
    assert written["outcome"] == "recognised"
    assert written["exit_code"] == 0
    assert written["reasons"][0]["layer"] == "credential"
