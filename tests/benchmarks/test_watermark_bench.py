"""The watermark benchmark keeps what is still true, encodes what it says, and counts without flattery."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from benchmarks import watermark_attacks as attacks
from benchmarks import watermark_cache as cache
from benchmarks import watermark_clips as clips
from benchmarks import watermark_tables as tables
from benchmarks.watermark_codecs import LIBRARIES, LOSSLESS, Encoding, encode
from provenance.media import read_frames


def pictures(count: int = 6) -> list[np.ndarray]:
    generator = np.random.default_rng(1)
    start = generator.integers(0, 256, (72, 128, 3)).astype(np.uint8)
    return [np.roll(start, number, axis=1) for number in range(count)]


@pytest.mark.parametrize(
    "encoding",
    [
        Encoding("h264", 30),
        Encoding("hevc", 30, "ultrafast"),
        Encoding("vp9", 40, "8"),
        Encoding("av1", 40, "12"),
    ],
    ids=lambda encoding: encoding.codec,
)
def test_every_codec_keeps_the_frames_and_their_rate(encoding: Encoding, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    encode(pictures(), Fraction(25, 2), path, encoding)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert av.codec.Codec(LIBRARIES[encoding.codec], "w").id == stream.codec_context.codec.id
        assert stream.average_rate == Fraction(25, 2)
    assert sum(1 for _ in read_frames(path)) == 6
    assert [entry.name for entry in tmp_path.iterdir()] == ["clip.mp4"]


def test_lossless_clips_come_back_bit_for_bit(tmp_path: Path) -> None:
    first, second = tmp_path / "first.mp4", tmp_path / "second.mp4"
    encode(pictures(), Fraction(25), first, LOSSLESS)
    with av.open(str(first)) as container:
        encode(container.decode(video=0), Fraction(25), second, LOSSLESS)
    for one, other in zip(read_frames(first), read_frames(second), strict=True):
        assert np.array_equal(one.luma, other.luma)


def test_encoding_nothing_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with pytest.raises(ValueError, match="no frames"):
        encode([], Fraction(25), path, LOSSLESS)
    assert not path.exists()


def test_a_comment_changes_no_digest_and_a_number_does(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    digests = []
    for text in ("x = 1\n", '"""Says more."""\nx = 1  # why\n', "x = 2\n"):
        module.write_text(text)
        digests.append(cache.bare_code(module))
    assert digests[0] != digests[2]
    assert digests[1] != digests[2]


def test_a_module_and_what_it_imports_from_its_package_share_a_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "ROOT", tmp_path)
    package = tmp_path / "package"
    package.mkdir()
    (package / "top.py").write_text("from package.part import y\n")
    (package / "other.py").write_text("z = 1\n")
    digests = []
    for part, other in (("y = 1\n", "z = 1\n"), ("y = 1\n", "z = 2\n"), ("y = 2\n", "z = 2\n")):
        (package / "part.py").write_text(part)
        (package / "other.py").write_text(other)
        digests.append(cache.code_of_module(package / "top.py"))
    assert digests[0] == digests[1] != digests[2]


def test_a_clip_is_made_anew_when_its_numbers_change() -> None:
    short = cache.code_of_function(clips.film("a.mp4", 1))
    assert short == cache.code_of_function(clips.film("a.mp4", 1))
    assert short != cache.code_of_function(clips.film("a.mp4", 2))
    grainy = clips.with_grain(clips.film("a.mp4", 1), 2.0)
    assert cache.code_of_function(grainy) != cache.code_of_function(
        clips.with_grain(clips.film("a.mp4", 2), 2.0)
    )


def test_a_function_and_its_helpers_share_a_digest_across_processes() -> None:
    digest = cache.code_of_function(attacks.crop)
    assert digest == cache.code_of_function(attacks.crop)
    assert digest != cache.code_of_function(attacks.resize)


def test_only_older_files_of_the_same_name_are_discarded(tmp_path: Path) -> None:
    kept = [tmp_path / f"crop-50-{'a' * 16}.mp4", tmp_path / f"crop-50-zoom-{'b' * 16}.mp4"]
    older = tmp_path / f"crop-50-{'c' * 16}.mp4"
    for path in (*kept, older):
        path.touch()
    cache.discard_older(kept[0])
    assert sorted(tmp_path.iterdir()) == sorted(kept)


def test_there_are_at_least_twenty_clips_of_mixed_kind() -> None:
    assert len(clips.BY_NAME) == len(clips.CLIPS) >= 20
    assert {"night", "flat animation", "frozen shot", "slow pan", "the shipped model's"} <= {
        clip.kind for clip in clips.CLIPS
    }
    assert set(clips.QUICK_CLIPS) <= set(clips.BY_NAME)


@pytest.mark.parametrize(
    "name", ["bunny-sky", "chair", "signing", "pan-stars", "cartoon", "sky", "night-river", "frozen"]
)
def test_clips_have_the_stated_size_and_are_the_same_each_time(name: str, real_media: Path) -> None:
    clip = clips.BY_NAME[name]
    first, again = next(clip.frames(5.0)), next(clip.frames(5.0))
    assert first.dtype == np.uint8
    assert first.shape == (clip.size[1], clip.size[0], 3)
    assert np.array_equal(first, again)
    assert first.std() > 0


def test_a_clip_lasts_as_long_as_asked_for(real_media: Path) -> None:
    clip = clips.BY_NAME["signing"]
    assert sum(1 for _ in clip.frames(5.0)) == 150


def test_a_row_below_its_target_is_shown_as_missed_with_the_clips_it_lost() -> None:
    trials = [
        {
            "row": "crop-50",
            "clip": name,
            "part": 0.0,
            "succeeded": name != "sky",
            "succeeded_with_issued": name != "sky",
            "seconds": 1.0,
            "z": 9.0,
        }
        for name in ("bunny", "sky")
    ]
    (line,) = tables.summarise(trials)
    assert (line["recovered"], line["total"], line["is_met"]) == (1, 2, False)
    assert line["lost"] == ["sky"]
    assert "99 % !" in tables.show_attacks([line])


def test_a_message_without_a_z_still_counts_as_lost() -> None:
    (line,) = tables.summarise(
        [
            {
                "row": "chain",
                "clip": "sky",
                "part": 0.0,
                "succeeded": False,
                "succeeded_with_issued": True,
                "seconds": 1.0,
            }
        ]
    )
    assert line["recovered"] == 0
    assert line["with_issued"] == 1
    assert line["z_median"] is None


def test_rivals_that_are_not_installed_say_so() -> None:
    from benchmarks.watermark_rivals import Rival

    absent = Rival("dwtDct", 48, 1.0, 1, ("numpy", "no_such_package_anywhere"), ("bunny",), ("chain",))
    assert "no_such_package_anywhere" in absent.missing
    assert Rival("dwtDct", 48, 1.0, 1, ("numpy",), ("bunny",), ("chain",)).missing == ""
