"""Slate's Django project: studios generate, sign, review and recognise takes."""
