"""What ROUGE does not see in a summary: names, the outcome's figures, repetition, and how much of it is the article's own words.

``count_traits(summary, gold, article, facts)`` counts for one article; ``training.scoring`` adds the counts up. Figures and names are read as the check of summaries reads them.
"""

from data.schema import Facts
from models.faithfulness import count_names, read_source
from models.figures import find_figures
from models.outcomes import tells_fact
from models.sentences import split_sentences

_GRAM = 4
_STOPS = "。！？；， \n"


def count_traits(summary: str, gold: str, title: str | None, text: str, facts: Facts) -> dict[str, int]:
    """Return counts of one summary.

    Args:
        summary: of a system; may be empty.
        gold: the annotator's; without one, none of its figures counts.
        title: headline, cleaned.
        text: the article, cleaned.
        facts: the annotator's.

    Returns:
        ``n_key_figures`` of the facts that the gold summary holds, and ``n_key_found`` of them in the summary; ``n_names``, and ``n_named`` of them that the article supports;
        ``n_grams`` of four characters, ``n_novel`` of them not in the article, ``n_repeated`` of them seen before in the summary; ``characters``; ``copies_sentence``: 1 where
        the whole summary stands in one sentence of the article.

    """
    in_gold, ours = find_figures(gold), find_figures(summary)
    told = [(fact, value) for fact, value in facts.to_json().items() if value is not None]
    wanted = [(fact, value) for fact, value in told if any(tells_fact(figure, fact, value) for figure in in_gold)]
    n_names, n_named = count_names(summary, read_source(text, title))
    grams = [summary[i : i + _GRAM] for i in range(len(summary) - _GRAM + 1)]
    article = f"{title or ''}\n{text}"
    core = summary.strip(_STOPS)
    return {
        "n_key_figures": len(wanted), "n_key_found": sum(any(tells_fact(figure, *own) for figure in ours) for own in wanted),
        "n_names": n_names, "n_named": n_named,
        "n_grams": len(grams), "n_novel": sum(gram not in article for gram in grams), "n_repeated": len(grams) - len(set(grams)),
        "characters": len(summary),
        "copies_sentence": int(bool(core) and any(core in text[a:b] for a, b in split_sentences(text, max_chars=10**6))),
    }  # fmt: skip
