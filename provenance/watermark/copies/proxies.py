"""Encodes the pair of clips from whose half seconds every recipient's copy of a take is put together."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from provenance.media import Limits, probe
from provenance.media.splicing import PieceWriter, Splice, read_pictures, splice
from provenance.watermark.copies.codewords import FIRST, LETTER_S, letters_in
from provenance.watermark.copies.painting import LetterPainter
from provenance.watermark.keys import WatermarkKey

CRF = 17


@dataclass(frozen=True)
class Pair:
    """Two encodings of a marked clip that differ in the letter alone: `first` spells A all through, `second` B."""

    first: Path
    second: Path
    letters: int
    duration_frames: int


def make_pair(
    master: Path,
    key: WatermarkKey,
    first: Path,
    second: Path,
    *,
    threads: int = 0,
    on_frame: Callable[[int], None] = lambda _: None,
) -> Pair:
    """Encodes a clip that carries the mark of `key` twice, once with the letter A and once with B all through.

    The mark itself stays as it is. One frame is held at a time. Raises what `read_frames` raises, NotSpliceable
    where half a second is shorter than a frame, and EncodingFailed; nothing is left on failure.
    """
    info = probe(master)
    painter = LetterPainter(key, info.width, info.height)
    with ExitStack() as undo:
        undo.callback(second.unlink, missing_ok=True)
        undo.callback(first.unlink, missing_ok=True)
        with ExitStack() as writing:
            spell_a, spell_b = (
                writing.enter_context(
                    PieceWriter(
                        path, info.width, info.height, info.fps, piece_s=LETTER_S, crf=CRF, threads=threads
                    )
                )
                for path in (first, second)
            )
            for number, picture in enumerate(read_pictures(master, limits=Limits(), threads=1)):
                with_a, with_b = painter.paint(picture.luma)
                picture.luma = with_a
                spell_a.write(picture)
                picture.luma = with_b
                spell_b.write(picture)
                on_frame(number + 1)
            frames = spell_a.frames_written
        undo.pop_all()
    return Pair(first, second, letters_in(frames, info.fps), frames)


def spell(first: Path, second: Path, word: str, dest: Path, *, sound_of: Path | None = None) -> Splice:
    """Puts the copy that spells `word` together from a pair, without encoding; with the sound of another file.

    Raises NotSpliceable where the word is not as long as the clip, and what else `splice` raises.
    """
    return splice(first, second, [int(letter != FIRST) for letter in word], dest, sound_of=sound_of)
