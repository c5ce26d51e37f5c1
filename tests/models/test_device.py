import pytest
import torch

from models.device import mixed_precision, pick_device, training_dtype

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("capabilities", "dtype"),
    [
        ({"avx2": True}, torch.float32),
        ({"avx2": True, "avx512_f": True, "avx512_bf16": False}, torch.float32),
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True, "amx_tile": True}, torch.bfloat16),
        ({"neon": True, "bf16": True}, torch.bfloat16),
        ({}, torch.float32),
    ],
)
def test_a_cpu_trains_in_the_precision_its_units_have(monkeypatch, capabilities, dtype):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert training_dtype(CPU) == dtype
    with mixed_precision(CPU):
        product = torch.nn.functional.linear(torch.ones(2, 3), torch.ones(4, 3))
    assert product.dtype == dtype


def test_a_cuda_device_trains_in_bfloat16():
    assert training_dtype(torch.device("cuda")) == torch.bfloat16


def test_devices_go_by_three_names():
    assert pick_device("cpu") == CPU
    with pytest.raises(ValueError, match="auto, cpu or cuda"):
        pick_device("tpu")
