"""Settings, predictor and client of the serving tests."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving.app import create_app
from serving.settings import Settings
from tests.serving.fakes import FakePredictor

SMALL = {"max_documents": 4, "max_characters": 200, "max_body_bytes": 20_000, "max_queue": 1, "timeout_s": 20}


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep variables of the machine, a .env file, and those that ``go_offline`` sets, out of the tests."""
    monkeypatch.setattr(os, "environ", os.environ.copy())
    for name in [name for name in os.environ if name.startswith("ZHAOSHANG_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def make_settings(**given: Any) -> Settings:
    return Settings(**{**SMALL, **given})


@pytest.fixture
def predictor() -> FakePredictor:
    return FakePredictor()


@pytest.fixture
def client(predictor: FakePredictor) -> Iterator[TestClient]:
    with TestClient(create_app(make_settings(), predictor), raise_server_exceptions=True) as client:
        yield client
