"""Registers the app `references` with Django."""

from django.apps import AppConfig


class ReferencesConfig(AppConfig):
    name = "studio.references"
    label = "references"
