"""Fixtures for all tests: tiny real models in a temporary folder, a taxonomy, shared material where it is present.

No test loads weights from anywhere but these and ``models/default``; no test touches a network.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is slow, which is no failure of what is tested.
settings.register_profile("zhaoshang", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("zhaoshang")

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", HF_DATASETS_OFFLINE="1", HF_EVALUATE_OFFLINE="1", TOKENIZERS_PARALLELISM="false")

ROOT = Path(__file__).resolve().parent.parent
# Enough characters for the sentences of the tests; anything else becomes [UNK], as rare characters do in life.
ALPHABET = (
    "的一是在了和有大这主中国为我以到说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些"
    "市县区省招商引资项目签约总投资亿元万个家企业产业园开工投产调研考察座谈推介会议发布合作新能源材料装备汽车电子信息食品医药物流旅游农业书记长带队赴来访集团公司"
    "举月日上午召开推进工作要求介绍达产值税收洽谈对接意向协议竣揭牌智制造数字济字经济临江东海南西北城高台山川河湖港湾州"
)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of third-party articles and gold; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("ZHAOSHANG_SHARED", ROOT.parent / "shared"))
    if not (folder / "seeds").is_dir():
        pytest.skip("needs the shared folder with seeds/ and real/ (set ZHAOSHANG_SHARED)")
    return folder


@pytest.fixture(scope="session")
def tokenizer():
    """A character tokenizer of some 300 entries, built by our own code."""
    from training.corpus import build_tokenizer

    return build_tokenizer([ALPHABET + "，。；：、（）“”《》！？"], 600)


@pytest.fixture(scope="session")
def tiny_bases(tmp_path_factory, tokenizer) -> dict[str, Path]:
    """Two-layer, 64-wide bases with random weights: the classes that pretraining makes."""
    import torch

    from training.config import PretrainConfig
    from training.pretrain import build_model

    folder = tmp_path_factory.mktemp("bases")
    paths = {}
    for kind in ("encoder", "seq2seq"):
        torch.manual_seed(1)
        config = PretrainConfig(corpora=folder, output=folder, kind=kind, layers=2, decoder_layers=2, hidden_size=64, max_length=128, first_length=64)
        paths[kind] = folder / kind
        build_model(config, len(tokenizer)).save_pretrained(str(paths[kind]))
        tokenizer.save_pretrained(str(paths[kind]))
    return paths


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory, tiny_bases) -> Path:
    """A complete checkpoint folder with random heads, saved through the registry. Copy it before changing it."""
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    from data.clean import CLEAN_VERSION
    from data.taxonomy import load_taxonomy
    from models.decoding import Decoding
    from models.registry import Manifest, label_names, save_checkpoint
    from models.summarizer import Generation
    from training.config import FinetuneConfig
    from training.finetune import build_classifier, write_model

    folder = tmp_path_factory.mktemp("checkpoint")
    taxonomy = load_taxonomy()
    config = FinetuneConfig(base=str(tiny_bases["encoder"]), output=folder / "classifier", max_length=128)
    tokenizer, model = build_classifier(config, taxonomy)
    thresholds = {name: 0.5 for name in label_names(taxonomy) if not name.startswith("main/")}
    decoding = Decoding({"activity": 1.0, "industry": 1.0, "main": 1.0}, {"activity": 0.0, "industry": 0.0}, thresholds)
    manifest = Manifest("classifier", "tiny", "0", taxonomy, CLEAN_VERSION, decoding.to_json(), config={"max_length": 128})
    save_checkpoint(folder / "classifier", manifest, lambda path: write_model(model, tokenizer, path), "# tiny\n")
    seq2seq = AutoModelForSeq2SeqLM.from_pretrained(str(tiny_bases["seq2seq"]))
    seq2seq_tokenizer = AutoTokenizer.from_pretrained(str(tiny_bases["seq2seq"]))
    generation = Generation(prefix="[BRIEF]", max_source=128, max_target=40, num_beams=2, min_score=-99.0)
    manifest = Manifest("summarizer", "tiny", "0", taxonomy, CLEAN_VERSION, generation.to_json())
    save_checkpoint(folder / "summarizer", manifest, lambda path: write_model(seq2seq, seq2seq_tokenizer, path), "# tiny\n")
    return folder


@pytest.fixture(scope="session")
def predictor(tiny_checkpoint):
    """A predictor over the tiny checkpoint on the CPU."""
    from models.predictor import Predictor

    return Predictor.load(tiny_checkpoint, "cpu")


@pytest.fixture
def no_network(monkeypatch) -> Iterator[None]:
    """Let any attempt to open a connection fail, as with the cable out."""
    import socket

    def refuse(*_args, **_kwargs):
        raise OSError("the network is cut in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    yield
