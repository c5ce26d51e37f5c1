"""Word vectors by counting: where the embeddings of an encoder begin, before the first step of masking.

Which pieces stand near which is counted over the whole cache in a minute or two. Masked-language modelling spends its first millions of tokens on finding the same out.
"""

import logging
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from sklearn.utils.extmath import randomized_svd
from torch import Tensor
from transformers import ModernBertForMaskedLM

logger = logging.getLogger(__name__)
_CHUNK = 32_000_000  # tokens counted at a time
_SMOOTHING = 0.75  # of how often a piece is another's context: else rare contexts weigh most
_LOGIT_FLOOR = 0.5  # occurrences of a piece that never occurred


def count_neighbours(tokens: npt.NDArray[np.uint16], vocab_size: int, reach: int) -> npt.NDArray[np.float32]:
    """Return how often pieces stand near each other, a nearer one counting more (1, 1/2, … 1/reach).

    Args:
        tokens: (n_tokens,) ids, one text after the other.
        vocab_size: entries; counting takes twenty bytes for each pair of them (12,288: 3 GB).
        reach: pieces to either side.

    Returns:
        (vocab_size, vocab_size) float32, symmetric.
    Source: weights by distance as in GloVe (https://aclanthology.org/D14-1162).

    """
    counts = np.zeros(vocab_size * vocab_size, dtype=np.float32)
    for chunk in _chunks(tokens):
        for distance in range(1, reach + 1):
            pairs = chunk[:-distance] * vocab_size + chunk[distance:]
            counts += np.bincount(pairs, minlength=counts.size).astype(np.float32) / np.float32(distance)
    table = counts.reshape(vocab_size, vocab_size)
    return table + table.T


def word_vectors(counts: npt.NDArray[np.float32], width: int, seed: int) -> npt.NDArray[np.float32]:
    """Return vectors whose products approach the positive pointwise mutual information of pieces.

    Args:
        counts: (vocab_size, vocab_size), of ``count_neighbours``.
        width: numbers of a vector, below vocab_size.
        seed: of the decomposition.

    Returns:
        (vocab_size, width) float32, unit mean square; rows of pieces that never occurred are zero.
    Source: Levy, Goldberg, Dagan, Improving Distributional Similarity (https://aclanthology.org/Q15-1016).

    """
    own = counts.sum(1)
    context = own**_SMOOTHING
    with np.errstate(divide="ignore", invalid="ignore"):
        information = np.log(counts)
        information -= np.log(own)[:, None]
        information -= np.log(context / context.sum())[None, :]
    np.nan_to_num(information, copy=False, nan=0.0, neginf=0.0, posinf=0.0)
    np.maximum(information, 0, out=information)
    left, values, _ = randomized_svd(information, n_components=width, n_iter=3, random_state=seed)
    vectors = (left * np.sqrt(values)).astype(np.float32)
    vectors[own == 0] = 0
    mean_square = float((vectors[own > 0] ** 2).mean()) if (own > 0).any() else 1.0
    scaled: npt.NDArray[np.float32] = vectors / np.float32(np.sqrt(mean_square))
    return scaled


def begin_with_counts(model: ModernBertForMaskedLM, tokens: npt.NDArray[np.uint16], reach: int, n_special: int, seed: int) -> None:
    """Set embeddings to word vectors, and the output's bias to how often each piece occurs, in place.

    Rows of special tokens and of pieces that do not occur keep their random weights.
    """
    weight: Tensor = model.model.embeddings.tok_embeddings.weight
    bias: Tensor = model.decoder.bias
    vocab_size, width = weight.shape
    occurrences = np.bincount(tokens, minlength=vocab_size).astype(np.float64)
    if width >= vocab_size or not len(tokens):
        logger.warning("no word vectors: %d numbers a piece for %d pieces", width, vocab_size)
        return
    vectors = torch.from_numpy(word_vectors(count_neighbours(tokens, vocab_size, reach), width, seed))
    known = torch.from_numpy(occurrences > 0)
    known[:n_special] = False
    with torch.no_grad():
        scale = weight.std()
        weight[known] = vectors[known] * scale
        bias.copy_(torch.from_numpy(np.log(np.maximum(occurrences, _LOGIT_FLOOR) / occurrences.sum())))


def _chunks(tokens: npt.NDArray[np.uint16]) -> Iterator[npt.NDArray[np.int64]]:
    for start in range(0, len(tokens), _CHUNK):
        yield tokens[start : start + _CHUNK].astype(np.int64)
