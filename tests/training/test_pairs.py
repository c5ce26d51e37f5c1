import numpy as np
import pytest

from training.corpus import Document
from training.pairs import BRIEF, COPY, HOLE, TITLE, draw_pair, gap_sentences

LEAD = "临江市重大项目集中签约仪式今天举行，现场签约项目12个，总投资38亿元。"
TEXT = (
    LEAD
    + "参加仪式的有市里的负责人。天气很好，阳光明媚，微风轻轻吹过江面。签约项目涵盖装备制造和新材料，总投资超过往年。负责人表示，将为签约项目做好服务。"
)
DOCUMENT = Document("d", "临江市集中签约12个项目", TEXT, "临江市集中签约12个项目，总投资38亿元，涵盖装备制造和新材料。")


def test_the_sentence_that_covers_the_rest_and_has_figures_comes_first():
    spans = gap_sentences(TEXT)
    assert spans[0] == (0, len(LEAD))
    assert spans == sorted(spans)
    assert sum(b - a for a, b in spans) <= 160
    assert not any("天气" in TEXT[a:b] for a, b in spans)


@pytest.mark.parametrize("text", ["", "一句话。", "第一句话在这里。第二句话也在这里。", "没有句号的一长段" * 20])
def test_texts_of_few_sentences_have_none(text):
    assert gap_sentences(text) == []


def test_pairs_are_tasks_of_the_document():
    rng = np.random.default_rng(0)
    pairs = [draw_pair(DOCUMENT, TEXT, rng) for _ in range(200)]
    assert {source.split("]")[0] + "]" for source, _ in pairs} == {TITLE, BRIEF, COPY}
    for source, target in pairs:
        body = source.split("]", 1)[1]
        if source.startswith(TITLE):
            assert (body, target) == (TEXT, DOCUMENT.title)
        elif source.startswith(BRIEF):
            assert (body, target) == (TEXT, DOCUMENT.summary)
        elif HOLE in body:
            kept = "".join(TEXT[a:b] for a, b in gap_sentences(TEXT))
            assert target == kept
            assert LEAD not in body
            assert len(body.replace(HOLE, "")) == len(TEXT) - len(kept)
        else:
            assert body == TEXT
            assert target in TEXT or all(TEXT[a:b] in target for a, b in gap_sentences(TEXT))


def test_the_same_seed_draws_the_same_pairs():
    one, two = ([draw_pair(DOCUMENT, TEXT, rng) for _ in range(20)] for rng in (np.random.default_rng(3), np.random.default_rng(3)))
    assert one == two


def test_a_document_without_title_and_sentences_has_no_pair():
    assert draw_pair(Document("d", None, "很短。", None), "很短。", np.random.default_rng(0)) is None
