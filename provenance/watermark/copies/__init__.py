"""Copies of one take that can be told apart: a pair of encodings, a word per recipient, and tracing."""

from provenance.watermark.copies.codewords import (
    LETTER_S,
    MAX_CHANCE,
    TakeTooShort,
    TooManyCopies,
    capacity,
    letters_in,
    new_word,
    require_room,
    shortest_s,
)
from provenance.watermark.copies.proxies import Pair, make_pair, spell
from provenance.watermark.copies.reading import LetterReader, Place
from provenance.watermark.copies.tracing import Reading, Suspect, Tracing, trace

__all__ = [
    "LETTER_S",
    "MAX_CHANCE",
    "LetterReader",
    "Pair",
    "Place",
    "Reading",
    "Suspect",
    "TakeTooShort",
    "TooManyCopies",
    "Tracing",
    "capacity",
    "letters_in",
    "make_pair",
    "new_word",
    "require_room",
    "shortest_s",
    "spell",
    "trace",
]
