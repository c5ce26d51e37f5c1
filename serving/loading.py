"""The predictor as serving sees it, and the one place that loads it, offline.

``models.predictor`` (and torch with it) is imported inside ``load_predictor``: the variables that keep Hugging Face
libraries from the network must be set before their import, and ``--help`` or a usage error need not wait for torch.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from data.errors import InputError, RecordError
from data.schema import Article
from data.taxonomy import Taxonomy
from models.offline import go_offline
from models.result import Options, Result


class Predictor(Protocol):
    """What serving needs of ``models.predictor.Predictor``; tests pass a small one."""

    taxonomy: Taxonomy

    def analyze(self, articles: Sequence[Article], options: Options = ...) -> list[Result | RecordError]:
        """Return one result or error per article, in order."""

    def describe(self) -> dict[str, Any]:
        """Return the body of ``GET /v1/model``."""


def load_predictor(checkpoint: Path, device: str = "auto", threads: int = 0) -> Predictor:
    """Load the checkpoints of a folder.

    Raises:
        CheckpointRefused: something in the folder does not match.
        InputError: the device does not exist here.

    """
    go_offline()
    from models.predictor import Predictor as TorchPredictor

    try:
        return TorchPredictor.load(checkpoint, device, threads)
    except ValueError as error:
        raise InputError(str(error), "bad_field") from error
