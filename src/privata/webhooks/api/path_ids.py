"""Ids in the paths of webhooks."""

from __future__ import annotations

from privata.infra.paths import id_in_path

__all__ = ["id_in_path"]
