"""What can go wrong, each with a stable code that users script against.

    ZhaoshangError                     anything we raise on purpose; has .code and .message
    |-- RecordError                    one record cannot be scored; the others go on
    |   |                              .source, .line and .id say where it is
    |   (codes: empty_text, too_long, not_text, bad_encoding, bad_json, bad_field, missing_column,
    |    duplicate_id, unreadable_file, archive_limit, model_failed)
    |-- InputError                     the run cannot start or go on (exit status 2)
    |-- UnknownLabel                   labels the taxonomy does not hold, each with the nearest known one
    |-- CheckpointRefused              files, hashes, labels or versions of a checkpoint do not match

Codes are the contract's; new ones may be added, none is renamed.
"""

from typing import Any

RECORD_CODES = frozenset(
    [
        "empty_text",
        "too_long",
        "not_text",
        "bad_encoding",
        "bad_json",
        "bad_field",
        "missing_column",
        "duplicate_id",
        "unreadable_file",
        "archive_limit",
        "model_failed",
    ]
)


class ZhaoshangError(Exception):
    """Base of every error we raise on purpose."""

    code = "error"

    def __init__(self, message: str, code: str | None = None) -> None:
        """Keep the plain sentence and, where it differs from the class's, the code."""
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code


class RecordError(ZhaoshangError):
    """One record that could not be read or scored.

    ``source`` is the file (or None), ``line`` its 1-based line or row (None for a whole file), ``id`` the record's id
    where it is known. Two errors are equal where their lines in the error file are.
    """

    def __init__(self, code: str, message: str, source: str | None = None, line: int | None = None, id: str | None = None) -> None:
        """Check the code and keep the place."""
        if code not in RECORD_CODES:
            raise ValueError(f"unknown record error code {code!r}")
        super().__init__(message, code)
        self.source = source
        self.line = line
        self.id = id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RecordError) and self.to_json() == other.to_json()

    __hash__ = Exception.__hash__

    def __repr__(self) -> str:
        return f"RecordError({self.to_json()!r})"

    def to_json(self) -> dict[str, Any]:
        """Return the line of the error file."""
        return {"source": self.source, "line": self.line, "id": self.id, "code": self.code, "message": self.message}


class InputError(ZhaoshangError):
    """The run cannot start or go on: an input that does not exist, a folder without articles, a full disk."""

    code = "unreadable_file"


class UnknownLabel(ZhaoshangError):
    """Labels outside the taxonomy, reported together."""

    code = "bad_field"

    def __init__(self, unknown: dict[str, str | None]) -> None:
        """Take each unknown label with the nearest known one (or None)."""
        self.unknown = unknown
        listed = "; ".join(f"{name!r}" + (f" (did you mean {near!r}?)" if near else "") for name, near in unknown.items())
        super().__init__(f"unknown labels: {listed}")


class CheckpointRefused(ZhaoshangError):
    """A checkpoint folder that cannot be trusted; the message says which file or version and why."""

    code = "checkpoint_refused"
