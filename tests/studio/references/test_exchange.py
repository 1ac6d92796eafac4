"""Hashes go out and come back equal, lists of others are read, and a file with one bad line changes nothing."""

import io
from pathlib import Path

import pytest

from provenance.fingerprint.contents import ClipFingerprint
from studio.errors import InputRefused
from studio.ledger.models import Entry
from studio.references.hashlists import LinesRefused, read_works
from studio.references.models import Bank, Fingerprint, Work
from studio.references.services import get_or_create_bank, load_fingerprint, store_fingerprints, withdraw_work
from studio.references.transfer import export_bank, import_file
from tests.studio import factories
from tests.studio.references.test_storing import some_clip

HASH = "d8f8f0cce0f4a84f0e370a22028f67f0b36e2ed596623e1d33e6b39c4e9c9b22"
OTHER = HASH[::-1]


def read(text: str) -> list[tuple[str, ClipFingerprint]]:
    return [(work.title, work.clip) for work in read_works(io.StringIO(text, newline=""), "list.txt")]


def bad_lines(text: str) -> dict[int, str]:
    with pytest.raises(LinesRefused) as refusal:
        read(text)
    assert "nothing of it was taken" in refusal.value.hint
    return dict(refusal.value.lines)


@pytest.mark.django_db
class TestRoundTrip:
    @pytest.fixture
    def bank(self) -> Bank:
        bank = get_or_create_bank(factories.make_studio(), "Films")
        titles = ("One", "=SUM(A1:A9)", "'quoted", 'Comma, "quote" and ünïcode 🎬')
        for seed, title in enumerate(titles, start=1):
            store_fingerprints(some_clip(seed=seed), work=factories.make_work(bank, title))
        return bank

    @pytest.mark.parametrize("kind", ["csv", "jsonl"])
    def test_what_is_exported_comes_back_equal(self, bank: Bank, kind: str, tmp_path: Path) -> None:
        path = tmp_path / "bank.txt"
        with path.open("w", encoding="utf-8", newline="") as out:
            counts = export_bank(bank, kind, out)
        assert (counts.works, counts.frames) == (4, 160)
        if kind == "csv":
            assert ",=" not in f",{path.read_text()}".replace("\n", "\n,"), "a spreadsheet would run it"
        other = get_or_create_bank(bank.studio, "Copy")
        taken = import_file(other, path, name=path.name)
        assert (taken.works, taken.frames, taken.known) == (4, 160, 0)
        for work in bank.works.all():
            copy = other.works.get(title=work.title)
            original, copied = load_fingerprint(work=work), load_fingerprint(work=copy)
            assert original is not None
            assert copied is not None
            assert copied.frames == original.frames
            assert copied.algorithms == original.algorithms
            assert copied.duration_s == original.duration_s
            assert (copy.sha256, copy.origin, copy.width) == (work.sha256, "import", None)
        assert import_file(other, path, name=path.name).known == 4
        assert Entry.objects.filter(event="bank.exported").count() == 1
        assert Entry.objects.filter(event="bank.imported").count() == 2

    def test_a_pdq_list_holds_one_hash_and_its_quality_a_line(self, bank: Bank) -> None:
        out = io.StringIO()
        export_bank(bank, "pdq", out)
        lines = out.getvalue().splitlines()
        assert len(lines) == 160
        assert len(read_works(lines, "list")) == 160

    def test_what_is_withdrawn_is_not_exported(self, bank: Bank) -> None:
        withdraw_work(bank.works.get(title="One"), "Its licence ended.")
        assert export_bank(bank, "csv", io.StringIO()).works == 3

    def test_a_refused_file_changes_nothing(self, bank: Bank, tmp_path: Path) -> None:
        before = (Work.objects.count(), Fingerprint.objects.count(), Entry.objects.count())
        path = tmp_path / "list.txt"
        path.write_text(f"{HASH}\n{OTHER}\nno hash at all\n")
        with pytest.raises(LinesRefused, match="line 3"):
            import_file(bank, path, name="list.txt")
        assert (Work.objects.count(), Fingerprint.objects.count(), Entry.objects.count()) == before

    def test_lists_as_others_publish_them_become_works_without_media(
        self, bank: Bank, real_media: Path
    ) -> None:
        folder = real_media / "threatexchange"
        vpdq = folder / "vpdq-hashes" / "chair-19-sd-bar.txt"
        assert import_file(bank, vpdq, name=vpdq.name).works == 1
        film = bank.works.get(title=vpdq.name)
        clip = load_fingerprint(work=film)
        assert clip is not None
        assert len(clip.frames) == len(vpdq.read_text().splitlines())
        assert clip.frames[1].time_s == pytest.approx(0.033)
        assert film.duration_seconds == pytest.approx(clip.frames[-1].time_s, abs=0.1)
        listed = folder / "misc" / "pdq-expected-hashes.csv"
        counts = import_file(bank, listed, name=listed.name)
        distinct = {line.split(",")[0] for line in listed.read_text().splitlines()[1:]}
        assert counts.works == len(distinct)
        assert bank.works.filter(title="bridge-mods/aaa-orig.jpg").exists()
        mixed = folder / "misc" / "PDQMD5TestData.csv"
        with pytest.raises(LinesRefused, match="line 18"):
            import_file(bank, mixed, name=mixed.name)


def test_a_plain_list_is_one_still_per_line_with_its_quality() -> None:
    (first, one), (second, two) = read(f"{HASH}\n\n{OTHER},49\n".replace("\n\n", ",100\n\n"))
    assert (first, second) == ("list.txt, line 1", "list.txt, line 3")
    assert [frame.quality for clip in (one, two) for frame in clip.frames] == [100, 49]
    assert one.frames[0].pdq.hex() == HASH
    assert one.duration_s == 1.0


def test_vpdq_lines_without_times_are_one_film() -> None:
    ((title, clip),) = read(f"30,100,{HASH}\n0,90,{OTHER}\n60,80,{HASH}\n")
    assert title == "list.txt"
    assert [(frame.frame_index, frame.time_s, frame.quality) for frame in clip.frames] == [
        (0, 0.0, 90),
        (30, 1.0, 100),
        (60, 2.0, 80),
    ]


def test_a_header_may_name_the_columns_in_any_order() -> None:
    text = f"\ufeffFile,Signal_Type,HASH,Quality\na.jpg,pdq,{HASH},100\nb.mp4,video_md5,{'0' * 32},\n"
    ((title, clip),) = read(text)
    assert title == "a.jpg"
    assert clip.frames[0].quality == 100, "a hash of another kind is passed over"


def test_an_exchange_csv_of_indicators_is_read() -> None:
    text = f'"id","indicator","type","tags"\r\n"1","{HASH}","HASH_PDQ","a,b"\r\n"2","{"0" * 32}","HASH_MD5",""\r\n'
    assert len(read(text)) == 1


@pytest.mark.parametrize(
    ("text", "number", "why"),
    [
        (f"{HASH}\n{HASH[:-1]}\n", 2, "64 hexadecimal digits"),
        (f"{HASH}\n{HASH[:-1]}g\n", 2, "64 hexadecimal digits"),
        (f"{HASH},101\n", 1, "above 100"),
        (f"{HASH},-1\n", 1, "no whole number"),
        (f"{HASH},١\n", 1, "no whole number"),
        (f"1,2,{HASH},3,4\n", 1, "5 columns"),
        (f"hash,quality\n{HASH}\n", 2, "1 columns, not 2"),
        (f"0,100,{HASH},nan\n", 1, "no number of seconds"),
        (f"0,100,{HASH},-1\n", 1, "no number of seconds"),
        (f'{{}}\n{{"pdq": "{HASH}"}}\n', 1, "not nothing"),
        (f'{{"pdq": "{HASH}"}}\n[1]\n', 2, "no JSON object"),
        (f'{{"pdq": "{HASH}"}}\n{{"pdq\n', 2, "no JSON"),
        (f'{{"pdq": "{HASH}", "quality": true}}\n', 1, "no whole number"),
        ('{"pdq": 5}\n', 1, "64 hexadecimal digits"),
        (f"hash,work_sha256\n{HASH},abc\n", 2, "SHA-256"),
        (f"hash,phash\n{HASH},abc\n", 2, "pHash"),
        (f"hash,title\n{HASH},\x1b[31m\n", 2, "cannot be shown"),
    ],
)
def test_a_bad_line_is_named_with_what_is_wrong(text: str, number: int, why: str) -> None:
    assert why in bad_lines(text)[number]


def test_of_many_bad_lines_the_first_are_told_and_all_are_counted() -> None:
    with pytest.raises(LinesRefused) as refusal:
        read(f"{HASH}\n" + "nothing\n" * 500)
    assert (len(refusal.value.lines), refusal.value.total) == (20, 500)
    assert "480 more" in refusal.value.message


@pytest.mark.parametrize("text", ["", "\n\n", "hash,quality\n", "\ufeff"])
def test_a_file_without_hashes_is_refused(text: str) -> None:
    with pytest.raises(InputRefused, match="no hash"):
        read(text)
