"""The rows of the watermark benchmark: which attack, on which profile, and what share of clips must come back."""

from dataclasses import dataclass

from benchmarks import watermark_attacks as attacks
from benchmarks.watermark_attacks import Step, edit, retime
from benchmarks.watermark_codecs import Encoding

_AFTER_EDIT = Encoding("h264", 23, "veryfast")
_FAST = Encoding("h264", 23, "fast")
_FRAMES = (0.1, 0.3, 0.5, 0.7, 0.9)
EXCERPT_S = 3.0


@dataclass(frozen=True)
class Row:
    """One row of the table.

    target_percent: None for rows shown without a promise. encoding: of the edited video; None leaves the master as
    it is. seconds: the length of clip that is marked. expects: "message" (the exact payload), "nothing" (no finding
    at all) or "place" (the payload, and where the excerpt began within 1 s). jpeg_quality: the attack ends in one
    picture instead of a video. parts: how many trials a clip gives, and at which moment of it (0..1) each is taken.
    """

    name: str
    group: str
    target_percent: float | None
    steps: tuple[Step, ...] = ()
    encoding: Encoding | None = _AFTER_EDIT
    profile: str = "clean"
    seconds: float = 5.0
    expects: str = "message"
    jpeg_quality: int | None = None
    parts: tuple[float, ...] = (0.0,)
    uses_other_key: bool = False
    is_marked: bool = True

    def steps_at(self, part: float) -> tuple[Step, ...]:
        """The steps of one trial: a trial of place first cuts 3 s out of the clip."""
        if self.expects != "place":
            return self.steps
        return (retime(attacks.trim, start_s=part * self.seconds, seconds=EXCERPT_S), *self.steps)


def _codec(
    name: str, target: float | None, encoding: Encoding, profile: str = "clean", seconds: float = 5.0
) -> Row:
    return Row(name, "compression", target, (), encoding, profile, seconds)


def _h264(crf: int, target: float | None, profile: str = "clean", seconds: float = 5.0) -> Row:
    suffix = "" if profile == "clean" else f"-{profile}"
    return _codec(f"h264-{crf}{suffix}", target, Encoding("h264", crf, "fast"), profile, seconds)


def _edit(name: str, group: str, target: float | None, *steps: Step, encoding: Encoding = _AFTER_EDIT) -> Row:
    return Row(name, group, target, steps, encoding)


def _still(name: str, target: float, *steps: Step) -> Row:
    return Row(name, "one frame", target, steps, jpeg_quality=50, parts=_FRAMES)


ROWS = (
    Row("delivered", "compression", 100, encoding=None),
    _h264(23, 100),
    _h264(28, 100),
    _h264(33, 99),
    _h264(40, None),
    _h264(40, 90, "robust"),
    _h264(45, 50, "archive", 20.0),
    _codec("hevc-28", 100, Encoding("hevc", 28, "fast")),
    _codec("vp9-37", 100, Encoding("vp9", 37, "4")),
    _codec("av1-40", 100, Encoding("av1", 40, "8")),
    _edit("resize-50", "size", 100, edit(attacks.resize, factor=0.5)),
    _edit("resize-75", "size", 100, edit(attacks.resize, factor=0.75)),
    _edit("resize-150", "size", 100, edit(attacks.resize, factor=1.5)),
    _edit("resize-33", "size", 95, edit(attacks.resize, factor=0.33)),
    _edit("crop-75", "crop", 100, edit(attacks.crop, share=0.75)),
    _edit("crop-50", "crop", 99, edit(attacks.crop, share=0.5)),
    _edit("crop-30", "crop", 95, edit(attacks.crop, share=0.3)),
    _edit("crop-75-zoom", "crop", 100, edit(attacks.crop, share=0.75, is_zoomed=True)),
    _edit("crop-50-zoom", "crop", 99, edit(attacks.crop, share=0.5, is_zoomed=True)),
    _edit("crop-30-zoom", "crop", 95, edit(attacks.crop, share=0.3, is_zoomed=True)),
    _edit("aspect-4-3", "crop", 99, edit(attacks.squeeze)),
    _edit("repost", "crop", 99, edit(attacks.repost)),
    _edit("repost-cut", "crop", None, edit(attacks.repost_cut)),
    _edit("rotate-2", "turn", 99, edit(attacks.rotate, degrees=2.0)),
    _edit("rotate-5", "turn", 99, edit(attacks.rotate, degrees=5.0)),
    _edit("rotate-10", "turn", 90, edit(attacks.rotate, degrees=10.0)),
    _edit("rotate-17", "turn", 90, edit(attacks.rotate, degrees=17.0)),
    _edit("rotate-30", "turn", 90, edit(attacks.rotate, degrees=30.0)),
    _edit("turn-90", "turn", 99, edit(attacks.quarter_turn, turns=1)),
    _edit("turn-180", "turn", 99, edit(attacks.quarter_turn, turns=2)),
    _edit("turn-270", "turn", 99, edit(attacks.quarter_turn, turns=3)),
    _edit("mirror", "turn", 100, edit(attacks.mirror)),
    _edit("brightness", "picture", 100, edit(attacks.brighten, levels=30)),
    _edit("contrast", "picture", 100, edit(attacks.contrast, factor=1.3)),
    _edit("gamma-0.6", "picture", 100, edit(attacks.gamma, exponent=0.6)),
    _edit("gamma-1.6", "picture", 100, edit(attacks.gamma, exponent=1.6)),
    _edit("blur-1.5", "picture", 100, edit(attacks.blur, sigma=1.5)),
    _edit("blur-3", "picture", 100, edit(attacks.blur, sigma=3.0)),
    _edit("noise-20", "picture", 100, retime(attacks.add_noise, sigma=20.0)),
    _edit("denoise", "picture", 100, retime(attacks.denoise)),
    _edit("sharpen", "picture", 100, edit(attacks.sharpen)),
    _edit("logo", "picture", 99, edit(attacks.logo)),
    _edit("lower-third", "picture", 99, edit(attacks.lower_third)),
    _edit("logo-and-lower-third", "picture", 99, edit(attacks.logo), edit(attacks.lower_third)),
    _edit("drop-half", "time", 100, retime(attacks.drop_every_second)),
    _edit("drop-random-20", "time", 100, retime(attacks.drop_at_random, share=0.2)),
    _edit("fps-12", "time", 100, retime(attacks.change_rate, fps=12)),
    _edit("fps-15", "time", 100, retime(attacks.change_rate, fps=15)),
    _edit("fps-24", "time", 100, retime(attacks.change_rate, fps=24)),
    _edit("fps-30-blend", "time", 100, retime(attacks.blend_rate, fps=30)),
    _edit("speed-0.8", "time", 100, retime(attacks.speed, factor=0.8)),
    _edit("speed-1.25", "time", 100, retime(attacks.speed, factor=1.25)),
    _edit("trim-1s", "time", 100, retime(attacks.trim, start_s=2.0, seconds=1.0)),
    _still("jpeg-50", 99),
    _still("jpeg-50-half", 95, edit(attacks.resize, factor=0.5)),
    _still("jpeg-50-crop", 95, edit(attacks.crop, share=0.5)),
    _edit(
        "chain",
        "chain",
        98,
        edit(attacks.crop, share=0.9),
        edit(attacks.resize_to, short_side=540),
        edit(attacks.recolour, saturation=1.25),
        edit(attacks.contrast, factor=1.1),
        edit(attacks.brighten, levels=10),
        encoding=Encoding("h264", 30, "veryfast"),
    ),
    _edit(
        "rotate-2-crop-50-75",
        "chain",
        None,
        edit(attacks.rotate, degrees=2.0),
        edit(attacks.crop, share=0.5),
        edit(attacks.resize, factor=0.75),
    ),
    Row(
        "excerpt-3s",
        "place",
        95,
        seconds=20.0,
        expects="place",
        parts=(0.115, 0.37, 0.73),
    ),
    Row("wrong-key", "no mark", 100, (), _FAST, expects="nothing", uses_other_key=True),
    Row("unmarked", "no mark", 100, (), _FAST, expects="nothing", is_marked=False),
)
ROW_BY_NAME = {row.name: row for row in ROWS}
QUICK_ROWS = (
    "h264-28", "h264-33", "resize-50", "crop-50", "crop-30", "rotate-5", "mirror", "logo-and-lower-third", "fps-12",
    "jpeg-50", "chain", "unmarked",
)  # fmt: skip
