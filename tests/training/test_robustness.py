import random

import pytest

from data.schema import Article
from models.result import InputReport, LabelScore, Result
from tests.training.test_evaluation import write_annotated
from training.config import RobustnessConfig
from training.robustness import CHANGES, CITIES, rename_city, robustness_table, run_robustness, shuffle_background


def test_the_lead_stays_and_no_paragraph_is_lost():
    article = Article("a", "\n".join(f"第{i}段。" for i in range(9)), "题")
    changed = shuffle_background(article, random.Random(3))
    before, after = article.text.split("\n"), changed.text.split("\n")
    assert after[:2] == before[:2]
    assert after != before
    assert sorted(after) == sorted(before)
    assert shuffle_background(Article("b", "只有一段。"), random.Random(3)).text == "只有一段。"


def test_a_city_is_renamed_in_title_and_text_and_others_stay():
    article = Article("a", "青岛代表团赴宁波考察，上海企业参加。青岛市长出席。", "青岛赴宁波招商")
    changed = rename_city(article, random.Random(1))
    assert not {"青岛", "宁波"} & {city for city in CITIES if city in changed.text + (changed.title or "")}
    assert "上海企业参加" in changed.text
    new = changed.text[:2]
    assert changed.title.startswith(new)
    assert changed.text.count(new) == 2
    assert rename_city(Article("b", "某县签约。"), random.Random(1)).text == "某县签约。"


class Moody:
    """Calls an article 'other' where it holds a traditional character or begins with a page's head, and fails on one id."""

    def analyze(self, articles, options):
        assert not options.summary
        return [self._one(a) for a in articles]

    def _one(self, article):
        key = "other" if "來源" in article.text or article.text.startswith(("发布时间", "来源：", "您当前")) else "signing"
        return Result(article.id, InputReport(1, 1, 1, ()), {}, (LabelScore(key, key, 0.9),), ())


def test_shares_are_of_the_articles_that_changed(tmp_path, monkeypatch):
    monkeypatch.setattr("training.robustness.Predictor.load", lambda checkpoint, device: Moody())
    config = RobustnessConfig(data=write_annotated(tmp_path / "gold.jsonl"), json=tmp_path / "rows.json")
    rows = {row["change"]: row for row in run_robustness(config)}
    assert list(rows) == list(CHANGES)
    assert rows["residue"]["articles"] == 4
    assert rows["residue"]["main"] < 1
    assert rows["residue"]["industry"] == 1
    assert rows["residue"]["all"] == rows["residue"]["activity"] == rows["residue"]["main"]
    assert rows["full_width"]["all"] == 1
    assert rows["cut_off"]["articles"] == 0  # too short to lose anything
    assert (tmp_path / "rows.json").exists()
    assert len(robustness_table(list(rows.values())).split("\n")) == 2 + len(CHANGES)


@pytest.mark.parametrize("name", list(CHANGES))
def test_changes_repeat(name):
    article = Article("a", "青禾县签约。\n" + "总投资30亿元，项目落地青岛。\n" * 40, "青岛签约")
    assert CHANGES[name](article, random.Random(5)) == CHANGES[name](article, random.Random(5))
