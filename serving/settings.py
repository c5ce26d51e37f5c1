"""Settings of the server, read once from ``ZHAOSHANG_*`` variables and a ``.env`` file into a frozen object.

``load_settings()`` is called by ``python -m serving run``; tests build ``Settings(...)`` themselves. Importing this
module reads nothing.
"""

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError

from data.errors import InputError
from models.paths import DEFAULT_CHECKPOINT
from serving.auth import ApiKey, parse_keys

PREFIX = "ZHAOSHANG_"


class Settings(BaseSettings):
    """Everything a server can be told. Variables are the names below in capitals with the prefix ``ZHAOSHANG_``."""

    # hide_input_in_errors: a mistyped key must not be printed by the error about it.
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_file_encoding="utf-8", env_ignore_empty=True, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    checkpoint: Path = Field(default=DEFAULT_CHECKPOINT, description="folder of the checkpoint")
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="where the models run")
    threads: int = Field(default=0, ge=0, le=1024, description="CPU threads of the models; 0 leaves torch its own choice")
    host: str = Field(default="127.0.0.1", min_length=1, description="address to listen on")
    port: int = Field(default=8000, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    api_keys: Annotated[tuple[ApiKey, ...], NoDecode] = Field(default=(), repr=False, description="KEY or KEY:read+batch+review, separated by commas")
    insecure: bool = Field(default=False, description="allow an address beyond loopback without keys")
    max_documents: int = Field(default=64, ge=1, description="documents of one request")
    max_characters: int = Field(default=20_000, ge=1, description="characters of one document")
    max_body_bytes: int = Field(default=8 * 1024 * 1024, ge=1024, description="bytes of one request body")
    max_queue: int = Field(default=32, ge=0, description="requests that may wait for the models; one more is answered 429")
    timeout_s: float = Field(default=120.0, gt=0, description="seconds from a request's arrival to its answer; beyond: 504")
    drain_s: int = Field(default=30, ge=1, description="seconds that running requests get to finish when the server stops")
    stop_delay_s: float = Field(default=1.0, ge=0, description="seconds between readiness dropping and connections being refused (SIGTERM)")

    @field_validator("api_keys", mode="before")
    @classmethod
    def _parse_keys(cls, value: object) -> object:
        return parse_keys(value) if isinstance(value, str) else value


def load_settings(**given: Any) -> Settings:
    """Read the settings; values in ``given`` that are not None win over the environment.

    Raises:
        InputError: a variable has a value that cannot be used; all of them are named, none is printed.

    """
    try:
        return Settings(**{key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        wrong = "; ".join(f"{PREFIX}{'.'.join(map(str, e['loc'])).upper()}: {_plain(e['msg'])}" for e in error.errors(include_input=False))
        raise InputError(wrong, "bad_field") from None
    except (SettingsError, UnicodeDecodeError) as error:
        raise InputError(f"the settings cannot be read: {error}", "bad_field") from None


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach ``host``; names other than localhost count as reachable."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_binding(settings: Settings) -> None:
    """Refuse to listen to the network without keys.

    Raises:
        InputError: the host is beyond loopback, there are no keys, and ``ZHAOSHANG_INSECURE`` is not set.

    """
    if not (is_loopback(settings.host) or settings.api_keys or settings.insecure):
        raise InputError(
            f"refusing to listen on {settings.host} without API keys: set {PREFIX}API_KEYS, or {PREFIX}INSECURE=1 if something else guards this port",
            "forbidden",
        )
