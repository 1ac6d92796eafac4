"""Several engines on one clip: they mark one after the other, look in one pass, and their soft bits add up."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import log, prod

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.engines.contract import (
    CERTAIN,
    Candidate,
    EmbedJob,
    Floats,
    Rgb,
    TimedPicture,
    WatermarkEngine,
)
from provenance.watermark.engines.evidence import (
    ALL_MESSAGES,
    agreement,
    joint_reliability,
    p_chance,
    to_likelihoods,
)
from provenance.watermark.keys import Payload, WatermarkKey
from provenance.watermark.message import code_bits, p_wrong_message, read_message

_EVEN_RELIABILITY = 0.5
_DAMPED = 0.35
_AGREES_T = 4.0


def embed_with(engines: Iterable[WatermarkEngine], frames: Iterable[Rgb], job: EmbedJob) -> Iterator[Rgb]:
    """Marks with every engine, in the order given; `all_engines` gives a good one."""
    for engine in engines:
        frames = engine.embed(frames, job)
    yield from frames


def detect_with(
    engines: Sequence[WatermarkEngine],
    frames: Iterable[TimedPicture],
    keys: Sequence[WatermarkKey],
    budget_s: float | None = None,
) -> list[Candidate]:
    """One pass over the frames for all engines, which share the budget evenly. Findings, best first; empty: no mark."""
    share_s = None if budget_s is None else budget_s / max(1, len(engines))
    detectors = [engine.detector(share_s) for engine in engines]
    for frame in frames:
        for detector in detectors:
            detector.add(frame)
    return combine([seen for detector in detectors for seen in detector.detect(keys)], keys)


def combine(candidates: Sequence[Candidate], keys: Sequence[WatermarkKey]) -> list[Candidate]:
    """The findings among `candidates`, joined where several engines speak of the same key's mark; best first.

    Per key the best candidate of each engine is scaled to log-likelihoods by its measured reliability, and the sum
    is read like any other soft bits. How reliable a reading is can be measured only coarsely, so that where this
    fails equal weights are tried, and each engine in turn at a third; every reading counts in the bounds.
    Other candidates that are findings of their own (a second mark) are passed on as they are.
    """
    found: list[Candidate] = []
    for key in keys:
        of_key = [one for one in candidates if one.key_id == key.key_id]
        voices = _voices(of_key)
        joined = _join(key, voices, len(keys)) if len(voices) > 1 else None
        if joined is not None:
            found.append(joined)
        found += [one for one in of_key if one.is_found and not _is_covered(one, joined)]
    return sorted(found, key=lambda one: (one.payload is None, one.p_false_positive))


def _voices(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The best candidate of each engine, of those that say anything; candidates come best first."""
    best: dict[tuple[str, ...], Candidate] = {}
    for one in candidates:
        if np.any(one.soft_bits):
            best.setdefault(one.engines, one)
    return list(best.values())


def _is_covered(one: Candidate, joined: Candidate | None) -> bool:
    """Whether a joint finding already says what this one says."""
    return (
        joined is not None
        and set(one.engines) <= set(joined.engines)
        and one.payload in (None, joined.payload)
    )


def _join(key: WatermarkKey, voices: Sequence[Candidate], keys: int) -> Candidate | None:
    weightings = list(_weightings(voices))
    for parts in weightings:
        payload = read_message(np.sum(parts, axis=0), key)
        if payload is not None:
            code = code_bits(key, payload)
            agreeing = [
                (one, part)
                for one, part in zip(voices, parts, strict=True)
                if one.payload in (None, payload) and agreement(part, code) > _AGREES_T
            ]
            if len(agreeing) < 2:
                return None  # then it was one engine's message, reported by itself, or a tag by chance
            # Every way to weight the voices, to leave some out and to have chosen their soft bits counts.
            ways = len(weightings) * 2 ** len(voices) * keys * prod(max(1, one.hypotheses) for one in voices)
            p_message = p_wrong_message(len(weightings) * keys)
            return _joined(payload, code, agreeing, ALL_MESSAGES + log(ways), p_message)
    return None


def _weightings(voices: Sequence[Candidate]) -> Iterator[list[Floats]]:
    yield [to_likelihoods(one.soft_bits, one.reliability) for one in voices]
    even = [to_likelihoods(one.soft_bits, _EVEN_RELIABILITY) for one in voices]
    yield even
    for damped in range(len(voices)):
        yield [_DAMPED * part if number == damped else part for number, part in enumerate(even)]


def _joined(
    payload: Payload,
    code: NDArray[np.uint8],
    agreeing: Sequence[tuple[Candidate, Floats]],
    log_hypotheses: float,
    p_message: float,
) -> Candidate:
    voices = [one for one, _ in agreeing]
    fits = agreement(np.concatenate([part for _, part in agreeing]), np.tile(code, len(voices)))
    located = next((one for one in voices if one.geometry is not None), voices[0])
    return replace(
        located,
        engines=tuple(name for one in voices for name in one.engines),
        payload=payload,
        soft_bits=np.sum([part for _, part in agreeing], axis=0),
        reliability=joint_reliability([one.reliability for one in voices]),
        p_presence=min(p_chance(fits, log_hypotheses), *(one.p_presence for one in voices)),
        p_message=min(1.0, p_message + sum(one.p_message for one in voices)),
        hypotheses=sum(max(1, one.hypotheses) for one in voices),
        frames_used=max(one.frames_used for one in voices),
        start_s=min(one.start_s for one in voices),
        end_s=max(one.end_s for one in voices),
    )


@dataclass(frozen=True)
class Identified:
    """One of the listed payloads, of which the soft bits speak. p_chance: bound on the probability that the best of
    the list fits an unmarked clip this well; is_certain: it is at most 1e-6."""

    payload: Payload
    t: float
    p_chance: float

    @property
    def is_certain(self) -> bool:
        """Whether this may be reported."""
        return self.p_chance <= CERTAIN


def identify(
    candidates: Sequence[Candidate], key: WatermarkKey, listed: Iterable[Payload]
) -> Identified | None:
    """Which of the listed payloads the evidence of all engines fits best; None for an empty list or no evidence.

    For channels too narrow to be read alone: instead of all 2^72 messages only those in a register come into
    question, so that far fewer soft bits are enough. About 20,000 payloads are compared per second.
    """
    voices = _voices([one for one in candidates if one.key_id == key.key_id])
    parts = [to_likelihoods(one.soft_bits, one.reliability) for one in voices]
    if not parts:
        return None
    evidence, count = np.concatenate(parts), 0
    best: tuple[float, Payload] | None = None
    for payload in listed:
        count += 1
        t = agreement(evidence, np.tile(code_bits(key, payload), len(parts)))
        if best is None or t > best[0]:
            best = t, payload
    if best is None:
        return None
    ways = count * prod(max(1, one.hypotheses) for one in voices)
    return Identified(best[1], best[0], p_chance(best[0], log(ways)))
