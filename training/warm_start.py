"""A sequence-to-sequence base that begins with what an encoder base has learnt: its embeddings, and its layers as the encoder's.

The two classes differ in where positions enter (rotary there, relative biases here) and in their norms (mean and variance there, root mean square here), so the layers are a beginning and
no equal; what they gain is measured, not assumed (EXPERIMENTS.md).
"""

from typing import Any

import torch
from torch import nn
from transformers import ModernBertForMaskedLM, T5ForConditionalGeneration

from data.errors import InputError


@torch.no_grad()
def warm_start(model: T5ForConditionalGeneration, encoder: ModernBertForMaskedLM, layers: bool = True) -> None:
    """Copy embeddings, and with ``layers`` attention, feed-forward weights and norms, into the T5 model in place.

    Raises:
        InputError: vocabularies, widths or numbers of layers differ.

    """
    ours, theirs = model.config, encoder.config
    pairs = {
        "vocab_size": (ours.vocab_size, theirs.vocab_size), "width": (ours.d_model, theirs.hidden_size), "heads": (ours.num_heads, theirs.num_attention_heads),
        "layers": (ours.num_layers, theirs.num_hidden_layers), "feed-forward width": (ours.d_ff, theirs.intermediate_size),
    }  # fmt: skip
    if wrong := [f"{name} {a} and {b}" for name, (a, b) in pairs.items() if a != b]:
        raise InputError(f"the encoder does not fit: {', '.join(wrong)}")
    source = encoder.model
    embedded = source.embeddings.tok_embeddings.weight.float()
    # T5 has no norm behind its embeddings, so the norm goes into them.
    model.shared.weight.copy_(nn.functional.layer_norm(embedded, (theirs.hidden_size,), source.embeddings.norm.weight.float(), eps=theirs.norm_eps))
    if not layers:
        return
    blocks: Any = model.encoder.block
    for block, layer in zip(blocks, source.layers, strict=True):
        attention, forward = block.layer[0], block.layer[1]
        q, k, v = layer.attn.Wqkv.weight.float().chunk(3)
        # T5 does not divide by the root of the head's width: the queries do it.
        attention.SelfAttention.q.weight.copy_(q * ours.d_kv**-0.5)
        attention.SelfAttention.k.weight.copy_(k)
        attention.SelfAttention.v.weight.copy_(v)
        attention.SelfAttention.o.weight.copy_(layer.attn.Wo.weight)
        if isinstance(layer.attn_norm, nn.LayerNorm):  # the first layer has none
            attention.layer_norm.weight.copy_(layer.attn_norm.weight)
        first, gate = layer.mlp.Wi.weight.float().chunk(2)
        forward.DenseReluDense.wi_0.weight.copy_(first)
        forward.DenseReluDense.wi_1.weight.copy_(gate)
        forward.DenseReluDense.wo.weight.copy_(layer.mlp.Wo.weight)
        forward.layer_norm.weight.copy_(layer.mlp_norm.weight)
    model.encoder.final_layer_norm.weight.copy_(source.final_norm.weight)
