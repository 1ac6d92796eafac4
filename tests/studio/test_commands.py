"""The commands answer with statuses and sentences: verify, references add, generate and trust.

They run in this process and in the test's own transaction; test_main_job.py runs them as programs.
"""

import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from django.core.management import CommandError, call_command

from studio.credentials.services import root_certificate_pem
from studio.errors import InputRefused, SlateError
from studio.ledger.models import Entry
from studio.productions.models import Sequence, Shot
from studio.references.models import Bank, Work
from studio.runs.models import Run
from studio.tenancy.models import Role, Studio
from tests.studio import factories
from tests.studio.finished_take import PublishedTake

# Commands prepare the installation first, which the owner role does.
pytestmark = pytest.mark.django_db(databases=["default", "owner"])


def run(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit status, output and error output of a command; 0 where it simply returned."""
    out, err = io.StringIO(), io.StringIO()
    name, *rest = map(str, arguments)
    status = 0
    try:
        call_command(name, *rest, stdout=out, stderr=err)
    except SystemExit as end:
        status = end.code
    assert isinstance(status, int), "a command ends with a number"
    return status, out.getvalue(), err.getvalue()


class TestVerify:
    KEYS = frozenset(
        {"file", "sha256", "outcome", "headline", "reasons", "exit_status", "take", "studio"}
        | {"layers", "segments", "media"}
    )

    def answer(self, *arguments: str | Path) -> tuple[int, dict[str, Any]]:
        status, out, _ = run("verify", *arguments, "--json")
        value = json.loads(out)
        assert value["exit_status"] == status
        return status, value

    def test_a_released_file_ends_with_0(self, published: PublishedTake) -> None:
        status, answer = self.answer(published.path)
        assert (status, answer["outcome"]) == (0, "recognised")
        assert set(answer) == self.KEYS
        assert set(answer["layers"]) == {"credential", "watermark", "fingerprint", "generation"}
        for layer in answer["layers"].values():
            assert {"state", "summary", "details"} == set(layer)
        assert answer["take"] == str(published.take.pk)
        assert all(reason["sentence"] for reason in answer["reasons"])

    def test_an_unknown_film_ends_with_1(self, published: PublishedTake, real_media: Path) -> None:
        status, answer = self.answer(real_media / "imageio" / "realshort.mp4")
        assert (status, answer["outcome"], answer["take"]) == (1, "not_recognised", None)
        assert set(answer) == self.KEYS

    def test_a_stripped_copy_ends_with_2(self, published: PublishedTake, stripped: Path) -> None:
        status, answer = self.answer(stripped)
        assert (status, answer["outcome"]) == (2, "altered")

    @pytest.mark.parametrize("content", [None, b"", b"only words\n" * 100])
    def test_what_cannot_be_read_ends_with_3(self, content: bytes | None, tmp_path: Path) -> None:
        path = tmp_path / "clip.mp4"
        if content is not None:
            path.write_bytes(content)
        status, answer = self.answer(path)
        assert status == 3
        assert answer["outcome"] == "unreadable"
        assert answer["error"]["message"]
        assert answer["error"]["hint"]
        status, out, err = run("verify", path)
        assert (status, out) == (3, "")
        assert answer["error"]["message"] in err

    def test_a_folder_is_no_file(self, tmp_path: Path) -> None:
        assert run("verify", tmp_path)[0] == 3

    def test_the_text_answer_names_take_layers_and_stretch(
        self, published: PublishedTake, stripped: Path
    ) -> None:
        status, out, _ = run("verify", stripped)
        assert status == 2
        assert out.startswith("Recognised as ZZTOP_0420 v001, but not as it was released.")
        for word in ("credential", "absent", "watermark", "fingerprint", "0.00–", str(published.take.pk)):
            assert word in out

    def test_it_can_answer_as_a_given_person_would_see_it(
        self, published: PublishedTake, stripped: Path
    ) -> None:
        outsider = factories.make_person(factories.make_studio("south"))
        _, theirs = self.answer(stripped, "--as", outsider.email)
        _, own = self.answer(stripped, "--as", published.artist.email.upper())
        assert (theirs["take"], own["take"]) == (None, str(published.take.pk))
        assert published.shot.code not in json.dumps(theirs)

    def test_an_unknown_person_is_refused(self, tmp_path: Path) -> None:
        status, _, err = run("verify", tmp_path, "--as", "nobody@mail.example")
        assert status == 3
        assert "nobody@mail.example" in err


class TestReferencesAdd:
    @pytest.fixture(autouse=True)
    def studio(self) -> Studio:
        return factories.make_studio()

    @pytest.fixture
    def shelf(self, real_media: Path, tmp_path: Path) -> Path:
        for name in ("coins.png", "moon.png"):
            shutil.copy(real_media / "imageio" / name, tmp_path / name)
        shutil.copy(tmp_path / "coins.png", tmp_path / "coins again.png")
        (tmp_path / "empty.mp4").write_bytes(b"")
        return tmp_path

    def test_the_summary_counts_what_became_of_each_file(self, shelf: Path) -> None:
        status, out, _ = run("references", "add", shelf, "--bank", "Stills")
        assert status == 0
        assert "Bank Stills: 2 added (2 frames," in out
        assert "1 known already, 1 not added." in out
        assert Work.objects.filter(bank__name="Stills").count() == 2
        again = run("references", "add", shelf, "--bank", "Stills")[1]
        assert "0 added" in again
        assert "3 known already, 1 not added." in again

    def test_each_unreadable_file_is_a_row_with_its_reason(
        self, shelf: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        run("references", "add", shelf, "--bank", "Stills")
        (row,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("not added")]
        assert "empty.mp4" in row
        assert "0 bytes" in row

    def test_nothing_but_unreadable_files_ends_with_1(self, shelf: Path) -> None:
        status, out, _ = run("references", "add", shelf / "empty.mp4", "--bank", "Stills")
        assert status == 1
        assert "0 added" in out

    def test_a_path_that_is_not_there_is_refused_before_a_bank_is_made(self, shelf: Path) -> None:
        with pytest.raises(InputRefused, match="nothing at"):
            run("references", "add", shelf, shelf / "gone.mp4", "--bank", "Stills")
        assert not Bank.objects.exists()

    def test_a_bank_without_a_name_is_refused(self, shelf: Path) -> None:
        with pytest.raises(InputRefused, match="name of a bank"):
            run("references", "add", shelf, "--bank", " ")
        assert not Work.objects.exists()

    def test_a_studio_that_is_not_there_is_named_with_those_that_are(self, shelf: Path) -> None:
        with pytest.raises((CommandError, SlateError), match=r"nowhere.*north"):
            run("references", "add", shelf, "--bank", "Stills", "--studio", "nowhere")

    def test_works_go_to_the_studio_asked_for(self, shelf: Path) -> None:
        south = factories.make_studio("south")
        run("references", "add", shelf / "moon.png", "--bank", "Stills", "--studio", "south")
        assert Bank.objects.get().studio_id == south.pk


class TestGenerateRefuses:
    @pytest.fixture(autouse=True)
    def studio(self) -> Studio:
        studio = factories.make_studio()
        factories.make_production(studio)
        return studio

    @pytest.fixture
    def operator(self, studio: Studio) -> None:
        factories.make_person(studio, Role.OPERATOR)

    def refused(self, *arguments: str | Path) -> SlateError:
        before = Entry.objects.count()
        with pytest.raises(SlateError) as refusal:
            run("generate", *arguments)
        assert refusal.value.message
        assert refusal.value.hint
        assert refusal.value.exit_status == 1
        for model in (Run, Shot, Sequence):
            assert not model.objects.exists(), model
        assert Entry.objects.count() == before
        return refusal.value

    @pytest.mark.usefixtures("operator")
    @pytest.mark.parametrize("prompt", ["", "  \n", "a\0b", "\ud800", "x" * 2001])
    def test_a_prompt_that_is_none(self, prompt: str) -> None:
        self.refused(prompt).render().encode()

    @pytest.mark.usefixtures("operator")
    @pytest.mark.parametrize(
        "size", ["foo", "1280", "x", "1280x", "x720", "-2x720", "1e3x720", "0x0", "513x289", "9999x9999"]
    )
    def test_a_size_that_is_none(self, size: str) -> None:
        error = self.refused("a boat", f"--size={size}")
        assert any(char.isdigit() for char in error.hint), "the hint gives a size that would do"

    @pytest.mark.usefixtures("operator")
    @pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "1e9", "61"])
    def test_a_length_that_is_none(self, seconds: str) -> None:
        self.refused("a boat", f"--seconds={seconds}")

    @pytest.mark.usefixtures("operator")
    def test_a_seed_that_does_not_fit(self) -> None:
        self.refused("a boat", "--seed", str(2**64))

    @pytest.mark.usefixtures("operator")
    def test_a_production_that_is_not_there(self) -> None:
        error = self.refused("a boat", "--production", "nowhere")
        assert "nowhere" in error.message
        assert "first-light" in error.hint

    def test_a_place_to_write_that_is_not_there(self, tmp_path: Path) -> None:
        assert "does not exist" in self.refused("a boat", "--out", tmp_path / "gone" / "take.mp4").message
        assert "is a folder" in self.refused("a boat", "--out", tmp_path).message

    def test_a_studio_in_which_nobody_may_generate(self, studio: Studio) -> None:
        factories.make_person(studio, Role.AUDITOR)
        factories.make_person(studio, Role.ARTIST, is_active=False)
        assert studio.name in self.refused("a boat").message

    @pytest.mark.usefixtures("operator")
    def test_a_model_that_is_not_there(self, settings: Any, tmp_path: Path) -> None:
        settings.SLATE_MODEL = str(tmp_path / "gone")
        assert "gone" in self.refused("a boat").message


class TestTrust:
    def test_it_prints_the_root_that_signs_and_nothing_else(self) -> None:
        status, out, err = run("trust")
        assert (status, err) == (0, "")
        assert out.strip() == root_certificate_pem().strip()
        certificate = x509.load_pem_x509_certificate(out.encode())
        assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        assert usage.key_cert_sign
