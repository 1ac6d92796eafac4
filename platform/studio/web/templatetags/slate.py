"""What the templates need to show films' numbers the way film people read them."""

import math
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from studio.web.icons import DRAWINGS
from studio.wording import clock, film_length, odds, one_in, per_million, percent

register = template.Library()


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


register.filter("clock", clock)
register.filter("one_in", one_in)
register.filter("film_length", film_length)
register.filter("odds", odds)
register.filter("per_million", per_million)
register.filter("percent", percent)


@register.filter
def rate(fps: Any) -> str:
    """A frame rate as it is spoken: 24, 23.976."""
    return f"{float(fps):.3f}".rstrip("0").rstrip(".")
