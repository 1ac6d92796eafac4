"""Reads the letters of a copy in this very process, decoding the file once; runs in the child only."""

from pathlib import Path

import cv2

from provenance.inspect.protocol import LettersRequest
from provenance.media import probe, read_frames
from provenance.watermark import Geometry, WatermarkKey
from provenance.watermark.copies import LetterReader


def spell_out(request: LettersRequest) -> list[list[float]]:
    """Start, end and z of every reading, as JSON-able values. Raises what reading the file raises."""
    limits = request.limits
    cv2.setNumThreads(limits.threads)
    path = Path(request.path)
    frame_s = float(1 / probe(path, limits.media).fps)
    reader = LetterReader(WatermarkKey(*request.key), Geometry(*request.geometry))
    for frame in read_frames(path, limits=limits.media, threads=limits.threads):
        reader.add(frame.luma, frame.time_s, frame_s)
    return [[reading.start_s, reading.end_s, reading.z] for reading in reader.readings()]
