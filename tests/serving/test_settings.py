import subprocess
import sys
from pathlib import Path

import pytest

from data.errors import InputError
from models.paths import DEFAULT_CHECKPOINT
from serving.auth import find_key, parse_keys
from serving.settings import Settings, check_binding, is_loopback, load_settings

ROOT = Path(__file__).resolve().parents[2]
SECRET = "s3cret-key-of-the-reader"


def test_environment_and_env_file_are_read_in_that_order(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("ZHAOSHANG_PORT=9001\nZHAOSHANG_DEVICE=cpu\nOTHER=1\n", "utf-8")
    monkeypatch.setenv("ZHAOSHANG_PORT", "9002")
    monkeypatch.setenv("ZHAOSHANG_MAX_QUEUE", "")
    settings = load_settings(threads=3, host=None)
    assert (settings.port, settings.device, settings.threads, settings.host, settings.max_queue) == (9002, "cpu", 3, "127.0.0.1", 32)


def test_settings_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Settings().port = 1  # type: ignore[misc]


def test_default_checkpoint_is_the_predictors_and_needs_no_torch():
    from models.predictor import DEFAULT_CHECKPOINT as OF_THE_PREDICTOR

    assert Settings().checkpoint == DEFAULT_CHECKPOINT == OF_THE_PREDICTOR.resolve()
    program = "import sys, serving.settings; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "x"), ("PORT", "70000"), ("DEVICE", "tpu"), ("MAX_DOCUMENTS", "0"), ("TIMEOUT_S", "-1"), ("INSECURE", "maybe"), ("API_KEYS", "a:root")],
)
def test_unusable_value_is_named_and_not_printed(monkeypatch, name, value):
    monkeypatch.setenv(f"ZHAOSHANG_{name}", value)
    with pytest.raises(InputError) as caught:
        load_settings()
    assert f"ZHAOSHANG_{name}: " in caught.value.message
    assert "\n" not in caught.value.message


def test_all_unusable_values_are_reported_together(monkeypatch):
    monkeypatch.setenv("ZHAOSHANG_PORT", "x")
    monkeypatch.setenv("ZHAOSHANG_THREADS", "y")
    with pytest.raises(InputError, match=r"THREADS.*PORT"):
        load_settings()


@pytest.mark.parametrize("keys", [f"{SECRET}:admin", f"{SECRET}\u94a5", f"a,{SECRET} x", f":{SECRET}"])
def test_no_secret_in_errors(monkeypatch, keys):
    monkeypatch.setenv("ZHAOSHANG_API_KEYS", keys)
    with pytest.raises(InputError) as caught:
        load_settings()
    assert SECRET not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_no_secret_in_the_settings_themselves(monkeypatch):
    monkeypatch.setenv("ZHAOSHANG_API_KEYS", SECRET)
    settings = load_settings()
    assert find_key(SECRET, settings.api_keys)
    assert SECRET not in f"{settings!r} {settings.model_dump()}" and "digest" not in repr(settings)


def test_keys_with_and_without_scopes():
    keys = parse_keys(" one , two:read, three:batch+review ,, ")
    assert [sorted(key.scopes) for key in keys] == [["batch", "read", "review"], ["read"], ["batch", "review"]]
    assert find_key("two", keys) is keys[1]
    assert find_key("two:read", keys) is None
    assert parse_keys("") == ()


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("[::1]", True), ("localhost", True),
        ("0.0.0.0", False), ("::", False), ("10.0.0.5", False), ("example.org", False), ("127.0.0.1.example.org", False), ("", False),
    ],
)  # fmt: skip
def test_is_loopback(host, loopback):
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ({"host": "127.0.0.1"}, True),
        ({"host": "0.0.0.0"}, False),
        ({"host": "::"}, False),
        ({"host": "0.0.0.0", "api_keys": "k"}, True),
        ({"host": "0.0.0.0", "insecure": True}, True),
    ],
)
def test_binding_beyond_loopback_needs_keys(given, allowed):
    settings = Settings(**given)
    if allowed:
        check_binding(settings)
    else:
        with pytest.raises(InputError, match="without API keys"):
            check_binding(settings)
