from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import RecordError
from data.schema import Article
from models.result import Options, Result
from serving.score import MAX_TITLE, guard, iter_batches, score_articles
from tests.serving.fakes import POISON, FakePredictor, make_outcome


def article(id, text="园区与企业签约，总投资5亿元。"):
    return Article(str(id), text, origin="dump.jsonl", line=int(id) + 1)


def as_json(outcomes):
    return [outcome.to_json() for outcome in outcomes]


KINDS = {
    "good": article,
    "poison": lambda i: article(i, POISON),
    "empty": lambda i: article(i, "清洗后为空"),
    "surrogate": lambda i: article(i, "前\ud800后"),
    "garbage": lambda i: article(i, "\x00\ufffd" * 30),
    "unread": lambda i: RecordError("bad_json", "broken", "dump.jsonl", i + 1),
}
CODES = {"good": None, "poison": "model_failed", "empty": "empty_text", "surrogate": "bad_encoding", "garbage": "not_text", "unread": "bad_json"}


@given(st.lists(st.sampled_from(list(KINDS)), max_size=40), st.integers(1, 200))
def test_every_record_gets_its_outcome_in_its_place(kinds, batch_characters):
    records = [KINDS[kind](i) for i, kind in enumerate(kinds)]
    outcomes = list(score_articles(records, FakePredictor(), batch_characters=batch_characters))
    assert [getattr(outcome, "code", None) for outcome in outcomes] == [CODES[kind] for kind in kinds]
    for i, (kind, outcome) in enumerate(zip(kinds, outcomes, strict=True)):
        if kind == "good":
            assert outcome.to_json() == make_outcome(records[i]).to_json()
        else:
            assert (outcome.source, outcome.line) == ("dump.jsonl", i + 1)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"id": "\udc00"}, "bad_encoding"),
        ({"text": "前\ud83d后"}, "bad_encoding"),
        ({"title": "题\udfff"}, "bad_encoding"),
        ({"title": "题" * (MAX_TITLE + 1)}, "bad_field"),
        ({"title": "题" * MAX_TITLE}, None),
        ({"text": "\x01\x02\x03" * 9}, "not_text"),
        ({"text": "第一条，总投资5亿元。".encode().decode("latin-1")}, None),  # cleaning repairs it
        ({"title": None, "source": "\ud800", "url": "\ud800"}, None),  # neither read nor quoted
    ],
)
def test_guard(fields, code):
    record = replace(article(6), **fields)
    checked = guard(record)
    if code is None:
        assert checked is record
    else:
        assert (checked.code, checked.source, checked.line, checked.id) == (code, "dump.jsonl", 7, record.id)


def test_small_batches_give_the_same_outcomes():
    records = [article(i, f"第{i}个项目，总投资{i}亿元。" * 20) for i in range(1, 20)]
    predictor = FakePredictor()
    small = as_json(score_articles(records, predictor, batch_characters=1000, batch_articles=3))
    assert small == as_json(score_articles(records, FakePredictor()))
    assert [len(batch) for batch in predictor.batches] == [3] * 6 + [1]


def test_one_poison_article_costs_one_error_and_few_calls():
    predictor = FakePredictor()
    records = [article(i, POISON if i == 37 else "招商") for i in range(64)]
    outcomes = list(score_articles(records, predictor))
    assert [i for i, outcome in enumerate(outcomes) if isinstance(outcome, RecordError)] == [37]
    assert outcomes[37].id == "37" and POISON not in outcomes[37].message
    assert len(predictor.batches) == 1 + 2 * 6  # the halves of 64, 32, ... 2


def test_text_of_a_failing_article_stays_out_of_the_log(caplog):
    list(score_articles([article(0, f"{POISON}：机密项目")], FakePredictor()))
    assert "RuntimeError" in caplog.text
    assert "机密" not in caplog.text


def test_wrong_number_of_outcomes_is_a_failure_of_the_model():
    class Short(FakePredictor):
        def analyze(self, articles, options):
            return super().analyze(articles, options)[1:]

    assert [outcome.code for outcome in score_articles([article(0), article(1)], Short())] == ["model_failed"] * 2


def test_stream_is_lazy():
    taken = []

    def records():
        for i in range(10_000):
            taken.append(i)
            yield article(i, "招" * 100)

    stream = score_articles(records(), FakePredictor(), batch_characters=1000)
    next(stream)
    assert len(taken) <= 11
    stream.close()


@given(st.lists(st.integers(0, 300), max_size=50), st.integers(1, 300), st.integers(1, 8))
def test_batches_keep_all_records_within_the_limits(sizes, characters, articles):
    records = [article(i, "招" * size) for i, size in enumerate(sizes)]
    batches = list(iter_batches(records, characters, articles))
    assert [record for batch in batches for record in batch] == records
    for batch in batches:
        assert 1 <= len(batch) <= articles
        assert len(batch) == 1 or sum(len(record.text) for record in batch) <= characters


@pytest.mark.parametrize("options", [Options(), Options(labels=False), Options(summary=False), Options(probs="all", evidence=True)])
def test_options_are_passed_on(options):
    (outcome,) = score_articles([article(0)], FakePredictor(), options)
    assert isinstance(outcome, Result)
    assert outcome.to_json() == make_outcome(article(0), options).to_json()
