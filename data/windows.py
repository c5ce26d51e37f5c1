"""Windows over long articles: every token belongs to exactly one, so nothing is dropped silently.

Plain Python: the tokenizer stays outside, this file sees numbers only. Joining the windows of
``split_windows`` in order gives the article back.
"""

from bisect import bisect_right
from collections.abc import Sequence


def split_windows(n_tokens: int, size: int, breaks: Sequence[int] = ()) -> list[tuple[int, int]]:
    """Return windows ``[first, last)`` of at most ``size`` tokens that tile ``[0, n_tokens)``.

    Windows have about the same length, so that no article ends in a window of three tokens, and end where a
    sentence ends if one does in their second half.

    Args:
        n_tokens: tokens of the article; 0 gives one empty window, so that a bare title can be scored.
        size: largest window, tokens.
        breaks: ascending token positions at which a sentence begins.

    Raises:
        ValueError: size is not positive.

    """
    if size < 1:
        raise ValueError(f"size must be at least 1 token, got {size}")
    windows: list[tuple[int, int]] = []
    first = 0
    while n_tokens - first > size:
        n_left = -(-(n_tokens - first) // size)
        goal = first + min(size, -(-(n_tokens - first) // n_left) + size // 8)  # even shares, with room to reach a sentence end
        candidate = breaks[bisect_right(breaks, goal) - 1] if breaks and breaks[0] <= goal else first
        last = candidate if candidate > first + (goal - first) // 2 else goal
        windows.append((first, last))
        first = last
    windows.append((first, n_tokens))
    return windows
