"""Keeps Hugging Face libraries from the network: variables they read once, when they are imported.

So this module imports none of them, and ``go_offline`` is called before they are.
"""

import os

OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_EVALUATE_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",  # one inference thread; its threads and a fork together deadlock
}


def go_offline() -> None:
    """Keep every Hugging Face library of this process from the network."""
    os.environ.update(OFFLINE)
