"""A linear model over character n-grams that stands beside the encoder inside one checkpoint.

The encoder reads what an article means, n-grams know the set phrases of headlines that a compact encoder has not seen
often enough; their logits add up. N-grams are found as 64-bit hashes of code points, so the file holds no text.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from torch import Tensor

from data.errors import CheckpointRefused

LEXICAL_FILE = "lexical.safetensors"
_BLANKS = re.compile("\n|(?<![0-9A-Za-z]) +| +(?![0-9A-Za-z])")
LONGEST = 3  # characters of the longest n-gram
_FACTOR, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)
Hashes = npt.NDArray[np.uint64]


def join_lines(text: str) -> str:
    """Return a text without line ends and without blanks beside Chinese characters: crawls glue paragraphs, and that must not change labels."""
    return _BLANKS.sub("", text)


def page_of(title: str | None, text: str) -> str:
    """Return what n-grams are counted in: the title twice, since headlines say what happened, then the text in one line."""
    return f"{title or ''}\n{title or ''}\n{join_lines(text)}"


def hash_ngrams(page: str) -> tuple[Hashes, npt.NDArray[np.int64]]:
    """Return the hashes of the distinct n-grams of one to ``LONGEST`` characters, ascending, and how often each occurs.

    Two of a million n-grams fall together with a chance of 3e-8 (64 bits).
    """
    hashes, counts = np.unique(locate_ngrams(page)[0], return_counts=True)
    return hashes, counts.astype(np.int64)


def locate_ngrams(page: str) -> tuple[Hashes, npt.NDArray[np.int64]]:
    """Return the hash of every n-gram as often as it occurs, and the code point at which each begins."""
    points = np.frombuffer(page.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    rolling = np.zeros(len(points), dtype=np.uint64)
    found = []
    for n in range(1, LONGEST + 1):
        if len(points) < n:
            break
        # Each length extends the one before by a character; the sum wraps around, as it should.
        rolling = rolling[: len(points) - n + 1] * _FACTOR + points[n - 1 :] + np.uint64(1)
        mixed = (rolling ^ (rolling >> np.uint64(29))) * _MIX
        found.append(mixed ^ (mixed >> np.uint64(32)))
    starts = [np.arange(len(hashes)) for hashes in found]
    return np.concatenate(found) if found else rolling, np.concatenate(starts) if starts else np.zeros(0, dtype=np.int64)


class LexicalModel:
    """Logits of n-grams: sublinear TF-IDF, L2-normalised, times one column of weights an output."""

    def __init__(self, hashes: Hashes, idf: npt.NDArray[np.float32], weights: npt.NDArray[np.float32], bias: npt.NDArray[np.float32]) -> None:
        """Take the vocabulary and its weights.

        Args:
            hashes: (n_ngrams,) uint64, ascending.
            idf: (n_ngrams,) float32.
            weights: (n_ngrams, n_outputs) float32.
            bias: (n_outputs,) float32.

        """
        self.hashes = hashes
        self.idf = idf
        self.weights = weights
        self.bias = bias

    def features(self, page: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Return the columns of the known n-grams of a page and their weights, whose squares sum to 1."""
        return self.features_of(*hash_ngrams(page))

    def features_of(self, hashes: Hashes, counts: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Return the same from hashes and counts."""
        if not len(self.hashes):
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
        columns = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        known = self.hashes[columns] == hashes
        columns = columns[known]
        values = (1 + np.log(counts[known])) * self.idf[columns]
        return columns, (values / max(float(np.linalg.norm(values)), 1e-12)).astype(np.float32)

    def run(self, pages: Sequence[str]) -> Tensor:
        """Return (n_pages, n_outputs) float32 logits."""
        out = np.tile(self.bias, (len(pages), 1))
        for row, page in enumerate(pages):
            columns, values = self.features(page)
            out[row] += values @ self.weights[columns]
        return torch.from_numpy(out)

    def attribute(self, page: str, cuts: Sequence[int]) -> npt.NDArray[np.float32]:
        """Return what each piece of a page adds to the logits: together, and with the bias, they are what ``run`` gives.

        Args:
            page: as for ``run``.
            cuts: where pieces begin, ascending, the first at 0; an n-gram counts for the piece it begins in.

        Returns:
            (n_pieces, n_outputs) float32.

        """
        out = np.zeros((len(cuts), len(self.bias)), dtype=np.float32)
        hashes, starts = locate_ngrams(page)
        if not len(self.hashes) or not len(hashes):
            return out
        distinct, which, counts = np.unique(hashes, return_inverse=True, return_counts=True)
        places = np.minimum(np.searchsorted(self.hashes, distinct), len(self.hashes) - 1)
        known = self.hashes[places] == distinct
        values = np.where(known, (1 + np.log(counts)) * self.idf[places], 0.0)
        values /= max(float(np.linalg.norm(values)), 1e-12) * counts  # an n-gram's weight, shared out among its occurrences
        piece = np.searchsorted(np.asarray(cuts), starts, side="right") - 1
        for number in range(len(cuts)):
            inside = which[(piece == number) & known[which]]
            out[number] = values[inside].astype(np.float32) @ self.weights[places[inside]]
        return out

    def round_weights(self) -> None:
        """Round the weights in place to what ``save`` writes, so that what is measured is what is served."""
        scale = self._scale()
        self.weights = (np.rint(self.weights / scale) * scale).astype(np.float32)

    def _scale(self) -> npt.NDArray[np.float32]:
        largest: npt.NDArray[np.float32] = np.maximum(np.abs(self.weights).max(axis=0, initial=0.0), 1e-8).astype(np.float32)
        return largest / np.float32(127)

    def save(self, folder: Path) -> None:
        """Write ``lexical.safetensors``; weights as int8 with one scale an output (an error below 0.4 % of the largest weight)."""
        scale = self._scale()
        tensors = {
            "hashes": self.hashes.view(np.int64),
            "idf": self.idf.astype(np.float16),
            "weights": np.rint(self.weights / scale).astype(np.int8),
            "scale": scale,
            "bias": self.bias.astype(np.float32),
        }
        save_file(tensors, folder / LEXICAL_FILE)

    @classmethod
    def load(cls, folder: Path, n_outputs: int) -> "LexicalModel | None":
        """Read what ``save`` wrote; None where the checkpoint has no such part.

        Raises:
            CheckpointRefused: the file is not what ``save`` writes for this many outputs.

        """
        path = folder / LEXICAL_FILE
        if not path.exists():
            return None
        try:
            tensors = load_file(path)
            hashes = tensors["hashes"].view(np.uint64)
            weights, scale, bias, idf = (tensors[name].astype(np.float32) for name in ("weights", "scale", "bias", "idf"))
        except (OSError, KeyError, ValueError, SafetensorError) as error:
            raise CheckpointRefused(f"{path}: cannot be read ({type(error).__name__}: {error})") from error
        if weights.shape != (len(hashes), n_outputs) or idf.shape != hashes.shape or scale.shape != (n_outputs,) or bias.shape != (n_outputs,):
            raise CheckpointRefused(f"{path}: weights of shape {weights.shape} for {len(hashes)} n-grams and {n_outputs} outputs")
        return cls(hashes, idf, weights * scale, bias)
