"""Where things lie in the package. Imports nothing heavy: settings and ``--help`` need it before torch is loaded."""

from pathlib import Path

DEFAULT_CHECKPOINT = Path(__file__).resolve().with_name("default")
