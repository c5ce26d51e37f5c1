"""What the annotated corpus is like as a whole: can the written articles be told from the real ones, and do two annotators' summaries agree.

``python -m training audit --data data/annotations --corpora DIR`` prints both. The labels' agreement is ``python -m data annotations agreement``.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from data.annotations import iter_rows
from data.clean import clean_text
from data.corpora import join_texts
from data.errors import InputError
from data.prepare import DOUBLE_FOLDER, find_annotation_files, read_rows
from training.config import AuditConfig
from training.scoring import load_metric

FOLDS = 5


def run_audit(config: AuditConfig) -> dict[str, Any]:
    """Return counts, the AUC of telling written from real, and the ROUGE of second summaries against the first.

    Raises:
        InputError: no annotations, or none of one origin with a text.

    """
    rows = read_rows(find_annotation_files(config.data))
    join_texts({id: row for id, row in rows.items() if not row.get("text")}, config.corpora)
    known = [row for row in rows.values() if row.get("text")]
    inside = [row for row in known if row["activity"] != ["other"]]
    return {
        "articles": len(known),
        "auc": tell_apart(_texts(known), _origins(known)),
        "auc_in_domain": tell_apart(_texts(inside), _origins(inside)),
        "auc_lead": tell_apart([text[:200] for text in _texts(inside)], _origins(inside)),
        "summaries": compare_summaries(config.data / DOUBLE_FOLDER),
    }


def _texts(rows: Sequence[dict[str, Any]]) -> list[str]:
    return [clean_text(row["text"]).text for row in rows]


def _origins(rows: Sequence[dict[str, Any]]) -> list[bool]:
    return [row["origin"] == "authored" for row in rows]


def tell_apart(texts: Sequence[str], written: Sequence[bool], seed: int = 0) -> float:
    """Return the cross-validated AUC of character TF-IDF with logistic regression; 0.5 where written and real cannot be told apart.

    Raises:
        InputError: fewer texts of one kind than folds.

    """
    if min(sum(written), len(written) - sum(written)) < FOLDS:
        raise InputError(f"needs at least {FOLDS} written and {FOLDS} real articles with text, got {sum(written)} of {len(written)} written")
    system = make_pipeline(
        TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2, sublinear_tf=True, max_features=200_000, dtype=np.float32),
        LogisticRegression(class_weight="balanced", solver="liblinear", random_state=seed),
    )
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    probs = cross_val_predict(system, list(texts), np.array(written), cv=folds, method="predict_proba")[:, 1]
    return float(roc_auc_score(written, probs))


def compare_summaries(folder: Path) -> dict[str, Any]:
    """Return the character ROUGE of the second annotator's summaries against the first one's, over the articles of both files."""
    files = sorted(folder.glob("*.jsonl"))[:2]
    summaries = [{row["id"]: row["summary"] for _, row in iter_rows(path) if isinstance(row, dict)} for path in files]
    both = sorted(set(summaries[0]) & set(summaries[1])) if len(summaries) == 2 else []
    if not both:
        return {"articles": 0}
    scores = load_metric("rouge_zh").compute(predictions=[summaries[1][id] for id in both], references=[summaries[0][id] for id in both])
    return {"articles": len(both), **{key: round(float(value), 4) for key, value in scores.items()}}
