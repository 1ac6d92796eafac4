"""A PostgreSQL bit string column, seen from Python as bytes."""

from typing import Any

from django.db import models


def bits_of(value: bytes) -> str:
    """The bytes as a string of 0 and 1, most significant bit first, as PostgreSQL writes bit(n)."""
    return f"{int.from_bytes(value, 'big'):0{len(value) * 8}b}"


class BitStringField(models.Field):
    """`bit(n)` with n a multiple of eight."""

    def __init__(self, *args: Any, bits: int, **kwargs: Any) -> None:
        self.bits = bits
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "bits": self.bits}

    def db_type(self, connection: Any) -> str:
        return f"bit({self.bits})"

    def get_prep_value(self, value: Any) -> Any:
        return bits_of(value) if isinstance(value, bytes) else value

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> bytes | None:
        return None if value is None else int(value, 2).to_bytes(self.bits // 8, "big")
