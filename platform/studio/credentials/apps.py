"""Registers the app `credentials` with Django."""

from django.apps import AppConfig


class CredentialsConfig(AppConfig):
    name = "studio.credentials"
    label = "credentials"
