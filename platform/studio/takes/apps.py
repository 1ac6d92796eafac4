"""Registers the app `takes` with Django."""

from django.apps import AppConfig


class TakesConfig(AppConfig):
    name = "studio.takes"
    label = "takes"
