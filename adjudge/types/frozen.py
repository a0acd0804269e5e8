"""The base of every value in the package: immutable, and strict about unknown fields."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A pydantic model that cannot change and accepts no field it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")
