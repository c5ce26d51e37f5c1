"""What a sequence-to-sequence base can do before any fine-tuning, on held-out documents: titles, and copying figures."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from training.corpus import Document
from training.metrics.rouge_zh.rouge_zh import rouge
from training.pairs import COPY, TITLE, TITLE_LENGTHS, gap_sentences

_MOST_DOCUMENTS = 64
_BATCH = 8
_TITLE_TOKENS = 40


@torch.inference_mode()
def measure_seq2seq(
    model: Any, tokenizer: PreTrainedTokenizerFast, documents: Sequence[Document], readable: Callable[[str], str], device: torch.device
) -> dict[str, float | None]:
    """Return how well a base writes titles and copies figures.

    Args:
        model: in any mode; left in training mode.
        tokenizer: of the base.
        documents: held-out ones; the first 64 that fit each task count.
        readable: cuts a text to what a source holds.
        device: of the model.

    Returns:
        ``title_rouge_l`` of greedy titles; ``digit_accuracy``, the share of the digits of an article's key sentences that are predicted right with the true
        beginning given and the sentences in the source; ``target_loss_per_character`` of titles, nats. None where no document fits.

    """
    model.eval()
    titled = [(TITLE + readable(d.text), d.title) for d in documents if d.title and len(d.title) in TITLE_LENGTHS][:_MOST_DOCUMENTS]
    copied: list[tuple[str, str]] = []
    for document in documents:
        text = readable(document.text)
        target = "".join(text[a:b].strip() for a, b in gap_sentences(text))
        if any(char.isdigit() for char in target) and len(copied) < _MOST_DOCUMENTS:
            copied.append((COPY + text, target))
    scores: list[float] = []
    loss, characters, right, digits = 0.0, 0, 0, 0
    for start in range(0, len(titled), _BATCH):
        batch = titled[start : start + _BATCH]
        inputs, labels = _encode(tokenizer, batch, device)
        found = model.generate(**inputs, max_new_tokens=_TITLE_TOKENS, do_sample=False, num_beams=1)
        scores += [rouge(str(tokenizer.decode(ids, skip_special_tokens=True)), title)["rougeL"] for ids, (_, title) in zip(found, batch, strict=True)]
        loss += float(model(**inputs, labels=labels).loss) * int((labels >= 0).sum())
        characters += sum(len(title) for _, title in batch)
    digit_ids = torch.tensor(tokenizer.convert_tokens_to_ids(list("0123456789")), device=device)
    for start in range(0, len(copied), _BATCH):
        inputs, labels = _encode(tokenizer, copied[start : start + _BATCH], device)
        predicted = model(**inputs, labels=labels).logits.argmax(-1)
        wanted = torch.isin(labels, digit_ids)
        right += int((predicted == labels)[wanted].sum())
        digits += int(wanted.sum())
    model.train()
    return {
        "title_rouge_l": round(sum(scores) / len(scores), 4) if scores else None,
        "digit_accuracy": round(right / digits, 4) if digits else None,
        "target_loss_per_character": round(loss / characters, 4) if characters else None,
    }


def _encode(tokenizer: PreTrainedTokenizerFast, pairs: Sequence[tuple[str, str]], device: torch.device) -> tuple[dict[str, Tensor], Tensor]:
    coded = tokenizer([source for source, _ in pairs], padding=True, return_tensors="pt").to(device)
    targets = tokenizer([target for _, target in pairs], padding=True, return_tensors="pt")
    ids = targets["input_ids"].masked_fill(targets["attention_mask"] == 0, -100)[:, 1:].contiguous()  # without [CLS]: the decoder has its own start
    return {"input_ids": coded["input_ids"], "attention_mask": coded["attention_mask"]}, ids.to(device)
