"""The verdict on every combination of what the layers can find, by rule."""

from dataclasses import replace
from itertools import product

import pytest

from provenance.manifest.report import CredentialReport, CredentialState
from provenance.verdict import (
    CredentialEvidence,
    Evidence,
    FingerprintEvidence,
    MarkMatch,
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
    "present, unread": WatermarkEvidence(answered=True, unread=True),
    "unknown": WatermarkEvidence(answered=True, marks=(MarkMatch(None),)),
    "A": WatermarkEvidence(answered=True, marks=(MarkMatch(A),)),
    "B": WatermarkEvidence(answered=True, marks=(MarkMatch(B),)),
    "A, shows A": WatermarkEvidence(answered=True, marks=(MarkMatch(A, shows_take=True),)),
    "A, shows something else": WatermarkEvidence(answered=True, marks=(MarkMatch(A, shows_take=False),)),
    "B, shows something else": WatermarkEvidence(answered=True, marks=(MarkMatch(B, shows_take=False),)),
    "A and B": WatermarkEvidence(answered=True, marks=(MarkMatch(A), MarkMatch(B))),
    "A, and an unknown one": WatermarkEvidence(answered=True, marks=(MarkMatch(A), MarkMatch(None))),
    "A, and another unread": WatermarkEvidence(answered=True, marks=(MarkMatch(A),), unread=True),
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
    marks = e.watermark.marks
    named = {mark.take_id for mark in marks if mark.take_id}
    silent = e.credential.state in (None, State.UNREADABLE) and not e.watermark.answered
    # A mark is borne out by the fingerprint's search or by laying the file over its take.
    unfounded = [m for m in marks if m.take_id and m.take_id not in content and not m.shows_take]
    copied = any(m.shows_take is False for m in unfounded)
    rules: list[tuple[bool, Outcome]] = [
        (not released and silent and not e.fingerprint.answered, Outcome.UNREADABLE),
        # Proof of A, and marks of which none is A's.
        ((released or vouched) and bool(named) and A not in named, Outcome.CONTRADICTORY),
        # These bytes were released, whatever else they resemble.
        (released, Outcome.RECOGNISED),
        # The file was laid over the take its mark names, and differs.
        (copied, Outcome.CONTRADICTORY),
        # A trusted credential for A, with a mark that is not A's or content that is only B's.
        (vouched and bool(marks) and not named, Outcome.CONTRADICTORY),
        (vouched and content == {B}, Outcome.CONTRADICTORY),
        (vouched and e.credential.history_intact, Outcome.RECOGNISED),
        (vouched, Outcome.ALTERED),
        # A mark that the content does not bear out is possibly a copy.
        (bool(marks) and not named, Outcome.CONTRADICTORY),
        (e.fingerprint.answered and bool(unfounded), Outcome.CONTRADICTORY),
        # Mark or content say our take, and no credential vouches for it.
        (bool(named) or bool(content), Outcome.ALTERED),
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
            "Contradictory: a mark is present, but the content is no known take; possibly a copied mark.",
        ),
        (
            Evidence(CREDENTIALS["absent"], MARKS["B"], CONTENTS["A"]),
            "Contradictory: the mark and the content name different takes.",
        ),
        (
            Evidence(CREDENTIALS["absent"], MARKS["A, shows something else"], CONTENTS["none"]),
            "Contradictory: a mark is present, but the content differs from its take; possibly a copied mark.",
        ),
        (
            Evidence(CREDENTIALS["absent"], MARKS["A, shows A"], CONTENTS["none"]),
            "Recognised as LH_010 v003, but not as it was released.",
        ),
        (
            Evidence(CREDENTIALS["absent"], MARKS["present, unread"], CONTENTS["none"]),
            "Inconclusive: a mark of this installation is in the picture, but too faint to tell which take it names.",
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


def test_a_cut_of_two_marked_takes_is_named_after_the_longer_one() -> None:
    takes = (TakeMatch(A, (TimeRange(0.0, 1.0, 0.0, 1.0),)), TakeMatch(B, (TimeRange(1.0, 4.0, 0.0, 3.0),)))
    verdict = decide(Evidence(CREDENTIALS["absent"], MARKS["A and B"], FingerprintEvidence(True, takes)))
    assert (verdict.outcome, verdict.take_id) == (Outcome.ALTERED, B)


def test_a_take_that_only_resembles_the_file_does_not_outweigh_its_mark() -> None:
    evidence = Evidence(CREDENTIALS["absent"], MARKS["A, shows A"], CONTENTS["B"])
    assert (decide(evidence).outcome, decide(evidence).take_id) == (Outcome.ALTERED, A)


@pytest.mark.parametrize(
    ("mark", "part"),
    [
        ("present, unread", "what it says cannot be read"),
        ("A, shows A", "names take-a, and laid over that take the picture agrees"),
        ("A, shows something else", "the mark was possibly copied onto it"),
        ("A, and an unknown one", "names no take known here"),
        ("none", "No invisible mark"),
        ("not searched", "could not be searched"),
    ],
)
def test_a_mark_is_reported_for_what_it_is(mark: str, part: str) -> None:
    assert any(part in text for text in sentences(Evidence(watermark=MARKS[mark]), "watermark"))


@pytest.mark.parametrize(
    "sound",
    [
        WatermarkEvidence(answered=True),
        WatermarkEvidence(answered=True, marks=(MarkMatch(A), MarkMatch(None))),
        WatermarkEvidence(answered=True, unread=True),
    ],
)
def test_marks_in_the_sound_never_decide_but_are_reported(sound: WatermarkEvidence) -> None:
    for _, evidence in EVERY:
        heard = decide(replace(evidence, sound=sound))
        assert (heard.outcome, heard.take_id) == (decide(evidence).outcome, decide(evidence).take_id)
        told = [reason for reason in heard.reasons if reason.layer == "sound"]
        assert len(told) == len(sound.marks) + sound.unread


def test_a_clip_known_by_its_sound_alone_is_said_to_be() -> None:
    sound = WatermarkEvidence(answered=True, marks=(MarkMatch(A),))
    verdict = decide(Evidence(CREDENTIALS["absent"], MARKS["none"], CONTENTS["none"], sound=sound))
    assert (
        verdict.headline == "Not recognised by its picture, but a mark of this installation is in the sound."
    )


def test_a_mark_that_was_read_is_not_also_reported_as_missing() -> None:
    assert len(sentences(Evidence(watermark=MARKS["A"]), "watermark")) == 1


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
