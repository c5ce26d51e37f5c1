"""API keys: parsed once, kept as hashes, compared in constant time.

``require("read")`` is the dependency of a route. A key comes as ``Authorization: Bearer KEY`` or ``X-API-Key: KEY``.
Where no keys are set, everybody may do everything (the server then listens on loopback only, see ``settings``).
"""

import hashlib
import hmac
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from serving.problems import Problem

Scope = Literal["read", "batch", "review"]
SCOPES: frozenset[str] = frozenset({"read", "batch", "review"})

# auto_error off: the answers are ours (problem+json). Both schemes are only declared for the OpenAPI document.
_bearer = HTTPBearer(auto_error=False, description="Authorization: Bearer KEY")
_header = APIKeyHeader(name="X-API-Key", auto_error=False)


@dataclass(frozen=True)
class ApiKey:
    """One key as its SHA-256, with what it may do."""

    digest: bytes = field(repr=False)
    scopes: frozenset[str] = SCOPES

    @classmethod
    def of(cls, key: str, scopes: Iterable[str] = SCOPES) -> "ApiKey":
        """Return the hashed form of a plain key."""
        return cls(_digest(key), frozenset(scopes))


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def parse_keys(text: str) -> tuple[ApiKey, ...]:
    """Read ``KEY,KEY:read+batch``; a key without scopes has all three.

    Raises:
        ValueError: an empty key, one that no header can carry, or an unknown scope; the message holds no key.

    """
    return tuple(_parse_key(entry.strip(), number) for number, entry in enumerate(text.split(","), 1) if entry.strip())


def _parse_key(entry: str, number: int) -> ApiKey:
    key, colon, listed = entry.partition(":")
    scopes = {scope.strip() for scope in listed.split("+")} if colon else SCOPES
    if not key or not key.isascii() or any(char.isspace() for char in key):
        raise ValueError(f"key {number} is empty or holds a character that no HTTP header can carry")
    if not scopes <= SCOPES:  # the unknown word may be a piece of the key, so it is not named
        raise ValueError(f"key {number} has an unknown scope after its colon; scopes are {', '.join(sorted(SCOPES))}, joined with +")
    return ApiKey.of(key, scopes)


def find_key(presented: str, keys: Iterable[ApiKey]) -> ApiKey | None:
    """Return the key that matches; every key is compared, so the time says nothing."""
    digest, found = _digest(presented), None
    for key in keys:
        if hmac.compare_digest(digest, key.digest):
            found = key
    return found


def require(scope: Scope) -> Callable[..., Coroutine[Any, Any, None]]:
    """Return the dependency that lets a request pass only with a key for ``scope``."""

    async def check_key(
        request: Request,
        bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
        header: Annotated[str | None, Depends(_header)],
    ) -> None:
        keys: tuple[ApiKey, ...] = request.app.state.settings.api_keys
        if not keys:
            return
        presented = bearer.credentials if bearer else header
        key = find_key(presented, keys) if presented else None
        if key is None:
            detail = "this key is not known" if presented else "send a key as Authorization: Bearer KEY or X-API-Key: KEY"
            raise Problem("unauthorized", detail, headers={"WWW-Authenticate": "Bearer"})
        if scope not in key.scopes:
            raise Problem("forbidden", f"this key lacks the scope {scope!r}")

    return check_key
