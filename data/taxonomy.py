"""The two label groups, activity and industry: keys, Chinese names, definitions, checks.

``load_taxonomy()`` reads ``taxonomy.yaml`` beside this file; training writes the same object into the checkpoint, so
that serving never needs this file to name a label.
"""

import difflib
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from data.errors import UnknownLabel
from data.schema import Group

MAX_ACTIVITIES = 4
MAX_INDUSTRIES = 8
OTHER = "other"  # exclusive: never together with another activity


@dataclass(frozen=True)
class Taxonomy:
    """Keys of each group in their stable order, with Chinese names and definitions."""

    version: int
    activity: tuple[str, ...]
    industry: tuple[str, ...]
    names: dict[str, str]  # "activity/signing" -> 项目签约
    means: dict[str, str]  # "activity/signing" -> definition

    def group(self, name: Group) -> tuple[str, ...]:
        """Return the keys of ``activity`` or ``industry``."""
        return self.activity if name == "activity" else self.industry

    def name(self, group: Group, key: str) -> str:
        """Return the Chinese name of a label."""
        return self.names[f"{group}/{key}"]

    @property
    def sha256(self) -> str:
        """Hash of version, keys and names: what a checkpoint must agree with."""
        content = json.dumps([self.version, self.activity, self.industry, sorted(self.names.items())], ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()

    def check(self, activity: Iterable[str], industry: Iterable[str]) -> None:
        """Check one annotation's labels by the contract.

        Raises:
            UnknownLabel: labels outside the taxonomy, all of them, with the nearest known ones.
            ValueError: wrong number of labels, a label twice, or ``other`` beside another activity.

        """
        activity, industry = list(activity), list(industry)
        unknown = {key: self.nearest("activity", key) for key in activity if key not in self.activity}
        unknown |= {key: self.nearest("industry", key) for key in industry if key not in self.industry}
        if unknown:
            raise UnknownLabel(unknown)
        if not 1 <= len(activity) <= MAX_ACTIVITIES:
            raise ValueError(f"an article has 1 to {MAX_ACTIVITIES} activities, got {len(activity)}")
        if len(industry) > MAX_INDUSTRIES:
            raise ValueError(f"an article has 0 to {MAX_INDUSTRIES} industries, got {len(industry)}")
        if len(set(activity)) < len(activity) or len(set(industry)) < len(industry):
            raise ValueError("a label stands twice")
        if OTHER in activity and len(activity) > 1:
            raise ValueError("'other' stands beside another activity")

    def nearest(self, group: Group, name: str) -> str | None:
        """Return the key most like ``name`` (a key or a Chinese name), or None."""
        by_name = {self.name(group, key): key for key in self.group(group)} | {key: key for key in self.group(group)}
        found = difflib.get_close_matches(name, by_name, n=1, cutoff=0.5)
        return by_name[found[0]] if found else None

    def to_json(self) -> dict[str, Any]:
        """Return the taxonomy as the JSON a checkpoint carries."""
        return {"version": self.version, "activity": list(self.activity), "industry": list(self.industry), "names": self.names, "means": self.means}

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> "Taxonomy":
        """Rebuild the taxonomy a checkpoint carries."""
        return cls(row["version"], tuple(row["activity"]), tuple(row["industry"]), dict(row["names"]), dict(row["means"]))


TAXONOMY = Path(__file__).resolve().parent / "taxonomy.yaml"


@cache
def load_taxonomy(path: Path = TAXONOMY) -> Taxonomy:
    """Read a taxonomy file.

    Raises:
        ValueError: ``other`` is missing, or a label has no ``zh`` or ``means``.

    """
    raw = yaml.safe_load(path.read_text("utf-8"))
    labels = {f"{group}/{key}": entry for group in ("activity", "industry") for key, entry in raw[group].items()}
    incomplete = [key for key, entry in labels.items() if not (entry.get("zh") and entry.get("means"))]
    if incomplete or OTHER not in raw["activity"]:
        raise ValueError(f"taxonomy {path.name}: labels without zh or means {incomplete}, or no activity {OTHER!r}")
    return Taxonomy(
        version=int(raw["version"]),
        activity=tuple(raw["activity"]),
        industry=tuple(raw["industry"]),
        names={key: entry["zh"] for key, entry in labels.items()},
        means={key: entry["means"] for key, entry in labels.items()},
    )
