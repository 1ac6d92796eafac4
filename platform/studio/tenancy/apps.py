"""Registers the app `tenancy` with Django."""

from django.apps import AppConfig


class TenancyConfig(AppConfig):
    name = "studio.tenancy"
    label = "tenancy"
