"""What the templates need to show films' numbers the way film people read them."""

import math
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from studio.web.icons import DRAWINGS

register = template.Library()

_SCALES = ("", "thousand", "million", "billion", "trillion", "quadrillion", "quintillion")


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """A drawing of web/icons.py; decoration, and silent to screen readers, unless it has a `label`."""
    drawing = mark_safe(DRAWINGS[name])  # noqa: S308 (a constant of ours)
    if label:
        return format_html(
            '<svg class="icon" viewBox="0 0 24 24" role="img" aria-label="{}">{}</svg>', label, drawing
        )
    return format_html('<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">{}</svg>', drawing)


@register.filter
def timecode(seconds: Any, fps: Any = 24) -> str:
    """Seconds as HH:MM:SS:FF, counted without dropping frames."""
    rate = max(1, round(float(fps)))
    frames = math.floor(float(seconds) * float(fps) + 1e-6)
    whole, frame = divmod(frames, rate)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}:{frame:02d}"


@register.filter
def clock(seconds: Any) -> str:
    """Seconds as M:SS.s, for ranges that a person reads aloud."""
    tenths = round(float(seconds) * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


@register.filter
def one_in(probability: Any) -> str:
    """A small probability in words: "1 in 4 million".

    Nothing below a quintillionth is told apart: the noise model behind the figure is not that exact.
    """
    value = float(probability)
    if value < 1e-18:
        return "less than 1 in a quintillion"
    exponent = math.log10(1 / min(value, 1.0))
    scale = min(int(exponent + 1e-9) // 3, len(_SCALES) - 1)
    return f"1 in {1 / min(value, 1.0) / 1000**scale:.3g} {_SCALES[scale]}".strip()


@register.filter
def rate(fps: Any) -> str:
    """A frame rate as it is spoken: 24, 23.976."""
    return f"{float(fps):.3f}".rstrip("0").rstrip(".")
