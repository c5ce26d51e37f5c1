"""Fixtures shared by the tests of ``data``."""

from tests.corpora import corpora

__all__ = ["corpora"]
