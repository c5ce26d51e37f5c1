import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.windows import split_windows


@given(n=st.integers(0, 5000), size=st.integers(1, 600), cuts=st.sets(st.integers(1, 5000), max_size=200))
def test_windows_tile_the_article(n, size, cuts):
    windows = split_windows(n, size, sorted(c for c in cuts if c < n))
    assert windows[0][0] == 0
    assert windows[-1][1] == n
    assert all(a[1] == b[0] for a, b in itertools.pairwise(windows))
    assert all(last - first <= size for first, last in windows)
    assert all(last > first for first, last in windows) or n == 0


def test_a_window_ends_where_a_sentence_ends():
    assert split_windows(100, 60, [10, 48, 70]) == [(0, 48), (48, 100)]


def test_a_sentence_end_in_the_first_half_is_not_used():
    windows = split_windows(100, 60, [3])
    assert windows[0][1] > 30


def test_an_article_just_over_the_limit_has_no_tiny_last_window():
    lengths = [last - first for first, last in split_windows(520, 512)]
    assert len(lengths) == 2
    assert min(lengths) > 150


def test_an_empty_text_has_one_empty_window():
    assert split_windows(0, 512) == [(0, 0)]


def test_a_size_of_zero_is_refused():
    with pytest.raises(ValueError, match="at least 1 token, got 0"):
        split_windows(5, 0)
