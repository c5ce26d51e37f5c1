"""Fixtures shared by the tests of ``training``."""

from tests.corpora import corpora

__all__ = ["corpora"]
