"""What an engine's channel promises: all bits come back, only with the right key, and the bounds hold."""

import numpy as np
import pytest

from provenance.watermark.engines.channel import Channel
from provenance.watermark.engines.evidence import (
    ALL_MESSAGES,
    agreement,
    p_chance,
    reliability_of_z,
    repeatability,
    spread_reliability,
    to_likelihoods,
)
from provenance.watermark.engines.sampling import Sampler, spread_order
from provenance.watermark.keys import Payload, WatermarkKey
from provenance.watermark.message import code_bits, read_message

NARROW, WIDE = Channel("narrow", 100), Channel("wide", 256)


def _logits(channel: Channel, key: WatermarkKey, payload: Payload, frames: int) -> np.ndarray:
    """Clean logits, positive for 1, part after part."""
    words = [channel.encode(key, payload, number % channel.parts) for number in range(frames)]
    return 2.0 * np.stack(words) - 1.0


@pytest.mark.parametrize("channel", [NARROW, WIDE, Channel("very wide", 1024)])
def test_every_code_bit_comes_back_through_the_channel(channel, key, payload):
    seen = channel.read(key, _logits(channel, key, payload, 6))
    assert ((seen.soft_bits < 0) == code_bits(key, payload)).all()
    assert seen.reliability > 0.9


def test_a_narrow_channel_tells_its_parts_apart_in_noise(key, payload):
    noise = np.random.default_rng(1).normal(0, 1, (30, 100))
    seen = NARROW.read(key, _logits(NARROW, key, payload, 30) + noise)
    assert read_message(seen.soft_bits, key) == payload


def test_one_part_of_a_narrow_channel_says_nothing_about_the_other_code_bits(key, payload):
    seen = NARROW.read(key, _logits(NARROW, key, payload, 1))
    known = np.abs(seen.soft_bits) > 0.2
    assert known.sum() == 86
    assert ((seen.soft_bits < 0) == code_bits(key, payload))[known].all()


@pytest.mark.parametrize("channel", [NARROW, WIDE])
def test_another_key_sees_noise(channel, key, other_key, payload):
    logits = _logits(channel, key, payload, 12)
    seen = channel.read(other_key, logits)
    assert read_message(seen.soft_bits, other_key) is None
    assert abs(agreement(seen.soft_bits, code_bits(key, payload))) < 4


def test_the_bits_in_the_picture_look_random_without_the_key(key):
    words = np.stack([WIDE.encode(key, Payload(number), 0) for number in range(64)])
    payload_like = np.stack([code_bits(key, Payload(number)) for number in range(64)])
    assert not (words == payload_like).all(axis=1).any()
    other = WIDE.encode(WatermarkKey("studio-2", bytes(32)), Payload(0), 0)
    assert 80 < (other != words[0]).sum() < 176


def test_the_frames_that_show_the_message_are_told_from_those_that_do_not(key, payload):
    noise = np.random.default_rng(2).normal(0, 1, (20, 256))
    logits = np.where(np.arange(20)[:, None] < 8, 0.0, _logits(WIDE, key, payload, 20)) + noise
    assert (WIDE.marked(key, payload, logits) == (np.arange(20) >= 8)).all()


def test_chance_stays_under_its_bound_for_a_picture_that_shouts(other_key):
    """One fixed loud row of logits against 2,000 keys: the share above t must not exceed exp(-t^2 / 2)."""
    loud = np.random.default_rng(3).standard_cauchy((1, 256))
    seen = np.array(
        [
            agreement(WIDE.read(key, loud).soft_bits, code_bits(key, Payload(7)))
            for key in (WatermarkKey("k", number.to_bytes(32, "big")) for number in range(2000))
        ]
    )
    for t in (1.0, 1.5, 2.0, 2.5, 3.0):
        assert np.mean(seen > t) <= p_chance(t, 0.0)
    assert np.mean(seen > 1.0) > 0.03  # the bound is not kept by seeing nothing at all


def test_a_clean_reading_is_certain_and_an_unclear_one_is_not(key, payload):
    code = code_bits(key, payload)
    clean = 1.0 - 2.0 * code
    assert p_chance(agreement(clean, code), ALL_MESSAGES) < 1e-30
    assert p_chance(8.0, ALL_MESSAGES) == 1.0


@pytest.mark.parametrize("reliability", [0.2, 0.5, 0.8])
def test_reliability_is_measured_from_two_readings(reliability):
    rng = np.random.default_rng(4)
    bits = rng.choice([-1.0, 1.0], 20_000)
    # Each half has twice the noise power of the sum of both, relative to the signal.
    noise = np.sqrt(2 * (1 - reliability) / reliability)
    first, second = (bits + noise * rng.standard_normal(bits.size) for _ in range(2))
    assert repeatability(first, second) == pytest.approx(reliability, abs=0.03)


@pytest.mark.parametrize("reliability", [0.6, 0.8, 0.9])
def test_reliability_is_measured_from_the_spread_of_one_reading(reliability):
    rng = np.random.default_rng(5)
    bits = rng.choice([-1.0, 1.0], 20_000)
    noisy = np.sqrt(reliability) * bits + np.sqrt(1 - reliability) * rng.standard_normal(bits.size)
    assert spread_reliability(noisy) == pytest.approx(reliability, abs=0.04)


def test_soft_bits_of_different_loudness_weigh_by_what_they_are_worth():
    bits = np.ones(256)
    assert to_likelihoods(1000 * bits, 0.5) == pytest.approx(to_likelihoods(bits, 0.5))
    assert to_likelihoods(bits, 0.9)[0] > 5 * to_likelihoods(bits, 0.3)[0]
    assert not to_likelihoods(np.zeros(256), 0.5).any()
    assert reliability_of_z(20, 0.25, 0.75) > 0.8 > 0.3 > reliability_of_z(5, 0.25, 0.75)


@pytest.mark.parametrize("count", [1, 7, 48, 49, 1000, 4097])
def test_a_sampler_keeps_few_frames_that_span_the_whole_clip(count):
    sampler: Sampler[int] = Sampler(48)
    for number in range(count):
        if sampler.wants_next():
            sampler.keep(number)
    assert len(sampler.kept) <= 48
    assert len(sampler.kept) >= min(count, 24)
    steps = set(np.diff(sampler.kept).tolist())
    assert len(steps) <= 1
    assert count - 1 - sampler.kept[-1] < max(steps, default=1)


def test_every_beginning_of_the_order_is_spread():
    assert sorted(spread_order(48)) == list(range(48))
    assert np.ptp(sorted(spread_order(48)[:4])) >= 32
    assert spread_order(1) == [0]
