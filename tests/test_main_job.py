"""The main job, by the commands a person types: generate, prove with public tools, recognise again."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest
from c2pa import Context, Reader

from provenance.media import VideoWriter, probe, read_frames, strip_metadata_copy

ROOT = Path(__file__).resolve().parent.parent
PROMPT = "a red car on a street at dusk, camera pans right"


@dataclass(frozen=True)
class Installation:
    """A Slate of its own, used through manage.py only."""

    var: Path

    def manage(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("SLATE_", "DJANGO_"))},
            "SLATE_VAR": str(self.var),
            "SLATE_DATABASE_DURABLE": "false",
            "SLATE_TORCH_THREADS": "2",
        }
        return subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *map(str, arguments)],
            cwd=self.var.parent,
            env=environment,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )

    def verify(self, path: Path) -> tuple[int, dict]:
        done = self.manage("verify", path, "--json")
        assert done.stdout.startswith("{"), done.stderr
        return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="module")
def slate(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return Installation(tmp_path_factory.mktemp("a studio's disk") / "var")


@pytest.fixture(scope="module")
def generated(slate: Installation) -> tuple[Path, str]:
    """A take made by the shipped model, and what the command printed."""
    out = slate.var.parent / "take.mp4"
    done = slate.manage("generate", PROMPT, "--seconds", "2", "--seed", "7", "--out", out)
    assert done.returncode == 0, done.stderr
    return out, done.stdout


@pytest.fixture(scope="module")
def original(slate: Installation, generated: tuple[Path, str]) -> tuple[int, dict]:
    """What is answered about the take as it was released."""
    return slate.verify(generated[0])


def reencode(
    source: Path, target: Path, *, crf: int, start_s: float = 0.0, end_s: float | None = None
) -> None:
    info = probe(source)
    with VideoWriter(
        target, info.width // 2 * 2, info.height // 2 * 2, Fraction(info.fps), crf=crf
    ) as writer:
        for frame in read_frames(source, start_s=start_s, end_s=end_s):
            writer.write(frame.rgb[: info.height // 2 * 2, : info.width // 2 * 2])


def test_generate_ends_in_a_table_of_what_was_made(generated: tuple[Path, str]) -> None:
    out, printed = generated
    table = dict(
        line.split(maxsplit=1) for line in printed.splitlines() if line[:1].isalpha() and " " in line
    )
    assert {"take", "model", "seed", "seconds", "watermark", "credential", "matches", "path"} <= set(table)
    assert table["seed"] == "7"
    assert table["credential"].startswith("trusted")
    info = probe(out)
    assert (info.width, info.height, info.fps) == (1280, 720, 24)
    assert info.duration_s == pytest.approx(2.0, abs=0.05)


def test_plain_c2pa_with_slates_root_reads_trusted(slate: Installation, generated: tuple[Path, str]) -> None:
    root = slate.manage("trust").stdout
    assert root.startswith("-----BEGIN CERTIFICATE-----")
    context = Context.from_dict({"trust": {"user_anchors": root}, "verify": {"verify_trust": True}})
    with generated[0].open("rb") as stream:
        reader = Reader("video/mp4", stream, context=context)
        assert reader.get_validation_state() == "Trusted"
        manifest = json.loads(reader.json())
    active = manifest["manifests"][manifest["active_manifest"]]
    actions = next(a for a in active["assertions"] if a["label"].startswith("c2pa.actions"))
    created = actions["data"]["actions"][0]
    assert actions["created"] is True
    assert actions["data"]["allActionsIncluded"] is True
    assert created["action"] == "c2pa.created"
    assert created["digitalSourceType"].endswith("/trainedAlgorithmicMedia")
    labels = {a["label"] for a in active["assertions"]}
    assert {"c2pa.soft-binding", "c2pa.ai-disclosure"} <= labels
    assert active["claim_generator_info"][0]["specVersion"] == "2.4.0"


def test_the_signed_file_holds_neither_prompt_nor_people(generated: tuple[Path, str]) -> None:
    content = generated[0].read_bytes().lower()
    for secret in (b"red car", b"dusk", b"demo.example", b"artist", b"first light", b"cli_0010"):
        assert secret not in content


def test_the_take_is_recognised_and_intact(original: tuple[int, dict]) -> None:
    status, answer = original
    assert (status, answer["outcome"]) == (0, "recognised")
    assert answer["layers"]["credential"]["state"] == "trusted"


def test_a_stripped_stream_copy_is_recognised_by_mark_and_by_fingerprint(
    slate: Installation, generated: tuple[Path, str], original: tuple[int, dict], tmp_path: Path
) -> None:
    stripped = tmp_path / "stripped.mp4"
    strip_metadata_copy(generated[0], stripped)
    status, answer = slate.verify(stripped)
    assert (status, answer["outcome"]) == (2, "altered")
    assert answer["take"] == original[1]["take"]
    assert answer["layers"]["credential"]["state"] == "absent"
    assert answer["layers"]["watermark"]["state"] == "found"
    mark = answer["layers"]["watermark"]["details"]["marks"][0]
    assert mark["p_false_positive"] < 1e-6
    assert mark["source_start_s"] == pytest.approx(0, abs=1)
    assert [segment["id"] for segment in answer["segments"]] == [original[1]["take"]]


def test_a_reencoded_copy_is_still_that_take(
    slate: Installation, generated: tuple[Path, str], original: tuple[int, dict], tmp_path: Path
) -> None:
    copy = tmp_path / "crf28.mp4"
    reencode(generated[0], copy, crf=28)
    status, answer = slate.verify(copy)
    assert status == 2
    assert answer["take"] == original[1]["take"]
    assert answer["layers"]["watermark"]["state"] == "found"


def test_a_cut_of_a_reference_work_is_found_with_its_time_range_and_an_unrelated_clip_is_not(
    slate: Installation, real_media: Path, tmp_path: Path
) -> None:
    work = real_media / "threatexchange" / "videos" / "chair-orig-22-sd-bar.mp4"
    added = slate.manage("references", "add", work, "--bank", "Known films")
    assert added.returncode == 0, added.stderr
    assert "1 added" in added.stdout
    again = slate.manage("references", "add", work, "--bank", "Known films")
    assert "0 added" in again.stdout
    assert "1 known already" in again.stdout

    cut = tmp_path / "cut.mp4"
    reencode(work, cut, crf=35, start_s=7.0, end_s=13.0)
    status, answer = slate.verify(cut)
    assert status == 1, "a reference work is no take of ours"
    (segment,) = answer["segments"]
    assert segment["kind"] == "work"
    assert segment["name"].startswith(work.name)
    assert segment["query_start_s"] == pytest.approx(0.0, abs=0.5)
    assert segment["query_end_s"] == pytest.approx(6.0, abs=0.5)
    assert segment["reference_start_s"] == pytest.approx(7.0, abs=0.5)
    assert segment["reference_end_s"] == pytest.approx(13.0, abs=0.5)

    status, answer = slate.verify(real_media / "imageio" / "realshort.mp4")
    assert status == 1
    assert answer["segments"] == []


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.mp4", b"", "empty"),
        ("text.mp4", b"no film at all, only words\n" * 50, "does not begin like any media file"),
    ],
)
def test_a_file_that_is_no_film_is_refused_with_a_reason(
    slate: Installation, tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    status, answer = slate.verify(path)
    assert status == 3
    assert says in answer["error"]["message"]
    assert answer["error"]["hint"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["   "], "empty"),
        (["a boat", "--size", "12x"], "WIDTHxHEIGHT"),
        (["a boat", "--size", "33x33"], "33"),
        (["a boat", "--seconds", "0"], "seconds"),
        (["a boat", "--production", "nowhere"], "nowhere"),
        (["word " * 500], "prompt"),
    ],
)
def test_an_impossible_request_is_refused_before_it_costs_anything(
    slate: Installation, generated: tuple[Path, str], arguments: list[str], says: str
) -> None:
    done = slate.manage("generate", *arguments)
    assert done.returncode != 0
    assert says.lower() in done.stderr.lower()
    assert "Traceback" not in done.stderr
    assert list((slate.var / "attempts").iterdir()) == []
