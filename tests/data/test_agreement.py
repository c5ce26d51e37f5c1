"""Agreement of annotators: hand-computed values, symmetry, pairs, and what they say differently."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.agreement import LabelAgreement, agree, list_conflicts, pairwise
from data.annotated import Record
from data.schema import Annotation, Article, Facts
from data.taxonomy import load_taxonomy
from tests.data.annotated_articles import EXAMPLES


def annotation(id, activity, industry=(), **facts):
    return Annotation(id, tuple(activity), tuple(industry), "", Facts(**facts))


def test_kappa_by_hand():
    # 50 articles: 20 yes of both, 15 no of both, 5 only the first, 10 only the second.
    # observed 35/50 = 0.7; expected 25/50 * 30/50 + 25/50 * 20/50 = 0.5; kappa (0.7 - 0.5) / 0.5 = 0.4
    label = LabelAgreement(50, 25, 30, 20)
    assert label.kappa == pytest.approx(0.4)
    assert label.f1 == pytest.approx(2 * 20 / 55)


def test_kappa_of_annotators_who_never_agree_is_below_zero():
    assert LabelAgreement(2, 1, 1, 0).kappa == pytest.approx(-1)
    assert LabelAgreement(4, 4, 0, 0).kappa == 0
    assert LabelAgreement(4, 4, 4, 4).kappa == LabelAgreement(4, 0, 0, 0).kappa == 1


def test_all_numbers_by_hand():
    first = [
        annotation("1", ["signing", "expo_forum"], ["food"], signed_projects=3, signed_amount=0.3),
        annotation("2", ["signing"], ["food", "digital"], signed_projects=2),
        annotation("3", ["other"]),
        annotation("only", ["other"]),
    ]
    second = [
        annotation("3", ["other"], signed_projects=1),
        annotation("2", ["expo_forum", "signing"], ["food"]),
        annotation("1", ["signing"], ["food"], signed_projects=3, signed_amount=0.1 + 0.2),
    ]
    found = agree(first, second)
    assert (found.n, found.n_only_first, found.n_only_second) == (3, 1, 0)
    assert found.main_accuracy == pytest.approx(2 / 3)
    assert found.activity.exact_sets == pytest.approx(1 / 3) and found.industry.exact_sets == pytest.approx(2 / 3)
    assert found.activity.micro_f1 == pytest.approx(2 * 3 / 8)  # signing twice and other of four each
    assert found.activity.macro_f1 == pytest.approx((1 + 0 + 1) / 3)  # signing, expo_forum, other
    assert found.industry.micro_f1 == pytest.approx(2 * 2 / 5)
    assert found.industry.macro_f1 == pytest.approx((1 + 0) / 2)
    projects, amount = found.facts["signed_projects"], found.facts["signed_amount"]
    assert (projects.n_first, projects.n_second, projects.share, projects.f1) == (2, 2, pytest.approx(1 / 3), pytest.approx(0.5))
    assert (amount.share, amount.f1) == (1, 1)  # 0.1 + 0.2 is 0.3
    assert found.facts["total_amount"].f1 == 1
    assert found.activity.labels["signing"] == LabelAgreement(3, 2, 2, 2)


ANNOTATIONS = st.builds(
    annotation,
    st.just("x"),
    st.lists(st.sampled_from(load_taxonomy().activity), min_size=1, max_size=4, unique=True),
    st.lists(st.sampled_from(load_taxonomy().industry), max_size=4, unique=True),
    signed_projects=st.none() | st.integers(0, 3),
    total_amount=st.none() | st.sampled_from([0.5, 1.0, 2.0]),
)


def numbered(annotations):
    return [replace(found, id=str(i)) for i, found in enumerate(annotations)]


@given(st.lists(st.tuples(ANNOTATIONS, ANNOTATIONS), min_size=1, max_size=8))
def test_agreement_is_symmetric_and_within_bounds(pairs):
    first, second = numbered(a for a, _ in pairs), numbered(b for _, b in pairs)
    one, other = agree(first, second), agree(second, first)
    assert one.numbers() == pytest.approx(other.numbers())
    assert all(0 <= number <= 1 for number in one.numbers().values())
    for group in ("activity", "industry"):
        for key, label in one.group(group).labels.items():
            mirrored = other.group(group).labels[key]
            assert (label.f1, label.kappa) == pytest.approx((mirrored.f1, mirrored.kappa))
            assert -1 <= label.kappa <= 1 and label.kappa <= 1
    assert len(list_conflicts(first, second)) == len(list_conflicts(second, first))


@given(st.lists(ANNOTATIONS, min_size=1, max_size=8))
def test_equal_annotations_agree_fully(annotations):
    same = numbered(annotations)
    found = agree(same, reversed(same))
    assert set(found.numbers().values()) == {1.0}
    assert {label.kappa for group in ("activity", "industry") for label in found.group(group).labels.values()} == {1.0}
    assert list_conflicts(same, same) == []


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ValueError, match="share no id"):
        agree([annotation("1", ["other"])], [annotation("2", ["other"])])
    with pytest.raises(ValueError, match="second annotator has id '1' twice"):
        agree([annotation("1", ["other"])], [annotation("1", ["other"]), annotation("1", ["signing"])])


def test_conflicts_name_who_said_what():
    first = [annotation("1", ["signing", "expo_forum"], ["food"], signed_projects=3), annotation("2", ["other"])]
    second = [annotation("1", ["expo_forum"], ["digital"], signed_projects=3, signed_amount=2), annotation("2", ["other"])]
    assert [str(conflict) for conflict in list_conflicts(first, second)] == [
        "1 main: first: signing, second: expo_forum",
        "1 activity/signing: first: yes, second: no",
        "1 industry/digital: first: no, second: yes",
        "1 industry/food: first: yes, second: no",
        "1 facts.signed_amount: first: null, second: 2",
    ]


def records(annotator, *annotations):
    return [Record(Article(a.id, "一篇。"), annotator, a.activity, a.industry, a.summary, a.facts) for a in annotations]


def test_the_mean_of_pairs_that_share_articles():
    a = records("a", annotation("1", ["signing"]), annotation("2", ["signing"]))
    b = records("b", annotation("1", ["signing"]), annotation("2", ["other"]))
    c = records("c", annotation("2", ["signing"]))
    d = records("d", annotation("9", ["signing"]))
    found = pairwise([*a, *b, *c, *d])
    assert [(first, second, pair.n) for first, second, pair in found.pairs] == [("a", "b", 2), ("a", "c", 1), ("b", "c", 1)]
    assert found.mean["main_accuracy"] == pytest.approx((0.5 + 1 + 0) / 3)
    with pytest.raises(ValueError, match="no two annotators"):
        pairwise([*a, *d])


def test_the_json_object_holds_every_label():
    annotations = [example.annotation for example in EXAMPLES]
    row = agree(annotations, annotations).to_json()
    assert (row["n"], row["main_accuracy"], row["activity"]["micro_f1"]) == (10, 1.0, 1.0)
    assert tuple(row["activity"]["labels"]) == load_taxonomy().activity
    assert row["industry"]["labels"]["food"] == {"f1": 1.0, "kappa": 1.0, "n": 10, "n_first": 1, "n_second": 1, "n_both": 1}
