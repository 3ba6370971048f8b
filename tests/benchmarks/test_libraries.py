"""Functions of torch, jax, flax, equinox, optax and scipy as they are, by their inputs and by their weights.

Run with `pytest tests/benchmarks/test_libraries.py -s`; it prints what tests/benchmarks/README.md shows. None that is
right may be accused. The two that are, deserve it: their backward is right on what else is true of the operand alone.
"""

import json
import shlex
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from tests.conftest import RunHere

OWN = Path(__file__).with_name("library_functions.py")
SPD = "'[[4,1,0.5],[1,3,0.2],[0.5,0.2,2]]'"
KEYS = "--with key=5x4 --with value=5x4"
KL = "'target=[[0.1,0.2,0.7],[0.5,0.25,0.25]]'"
CTC = "-s 6x2x4 --with 'targets=[[1,2],[3,1]]' --with 'input_lengths=[6,5]' --with 'target_lengths=[2,2]'"
PADDED = (
    "'logit_paddings=[[0,0,0,0,0],[0,0,0,0,1]]' --with 'labels=[[1,2],[3,1]]' --with 'label_paddings=[[0,0],[0,0]]'"
)

# The functions, and for each the options of one inspection or of several
COMMANDS: dict[str, tuple[str, ...]] = {
    "torch.nn:Linear -p in_features=3 -p out_features=4 -s 2x3": ("", "--wrt all"),
    "torch.nn:Conv2d -p in_channels=2 -p out_channels=3 -p kernel_size=3 -p padding=1 -s 1x2x4x4": ("", "--wrt all"),
    "torch.nn:LayerNorm -p normalized_shape=4 -s 3x4": ("", "--wrt all"),
    "torch.nn:GroupNorm -p num_groups=2 -p num_channels=4 -s 2x4x3": ("", "--wrt all"),
    "torch.nn:BatchNorm1d -p num_features=3 -s 5x3": ("", "--mode train", "--mode train --wrt all"),
    f"torch.nn:MultiheadAttention -p embed_dim=4 -p num_heads=2 -s 3x4 {KEYS}": ("", "--wrt 'query,*.weight'"),
    "torch.nn:LSTM -p input_size=3 -p hidden_size=2 -s 4x1x3": ("", "--wrt 'weight*'"),
    "torch.nn:LSTMCell -p input_size=3 -p hidden_size=2 -s 2x3": ("", "--wrt all"),
    "torch.nn:GRU -p input_size=3 -p hidden_size=2 -s 4x1x3": ("", "--wrt all"),
    "torch.nn:Embedding -p num_embeddings=5 -p embedding_dim=3 --with 'input=[[0,2],[4,0]]'": ("--wrt weight",),
    "torch.nn:PReLU -p num_parameters=3 -s 4x3": ("", "--wrt weight"),
    "torch.nn:Bilinear -p in1_features=3 -p in2_features=2 -p out_features=2 -s 4x3 --with 4x2": ("", "--wrt all"),
    "torch.nn:TransformerEncoderLayer -p d_model=4 -p nhead=2 -p dim_feedforward=6 -s 3x1x4": (
        "", "--wrt 'linear1.*,norm1.*'",
    ),
    "torch.nn.functional:cross_entropy -s 3x4 --with 'target=[0,-100,1]'": ("", "-p label_smoothing=0.1"),
    "torch.nn.functional:nll_loss -s 3x4 --with 'target=[0,2,1]'": ("",),
    f"torch.nn.functional:kl_div -s 2x3 --with {KL}": ("", "-p reduction=batchmean"),
    f"torch.nn.functional:ctc_loss {CTC}": ("",),
    f"{OWN.name}:ctc {CTC}": ("",),
    "torch.nn.functional:layer_norm -s 3x4 -p 'normalized_shape=[4]'": ("", "--with weight=4 --with bias=4 --wrt all"),
    "torch.nn.functional:scaled_dot_product_attention -s 2x3x4 --with key=2x5x4 --with value=2x5x4": ("", "--wrt all"),
    "torch.nn.functional:grid_sample -s 1x2x4x4 --with grid=1x3x3x2 -p align_corners=false": ("", "--wrt grid"),
    "torch.nn.functional:max_pool2d -s 1x1x4x4 -p kernel_size=2": ("",),
    "torch.nn.functional:interpolate -s 1x1x4x4 -p scale_factor=2 -p mode=bicubic": ("",),
    "torch.fft:fft -s 6": ("", "--dtype complex128 --expect holomorphic"),
    "jax.nn:gelu -s 3x4": ("",),
    "jax.nn:softmax -s 3x4": ("",),
    "jax.nn:dot_product_attention -s 1x3x1x4 --with key=1x5x1x4 --with value=1x5x1x4": ("", "--wrt all"),
    "jax.scipy.special:logsumexp -s 3x4 -p axis=1": ("",),
    "jax.scipy.special:xlogy -s 4 --with y=4 --domain 0.1:": ("--wrt all",),
    "jax.scipy.linalg:expm -s 3x3": ("",),
    "jax.scipy.linalg:solve -s 3x3 --with b=3": ("--wrt all",),
    f"jax.scipy.linalg:cholesky -i {SPD}": ("",),
    "jax.numpy.linalg:inv -s 3x3": ("",),
    "jax.numpy.linalg:slogdet -s 3x3": ("", "--take 1"),
    f"jax.numpy.linalg:cholesky -i {SPD}": ("",),
    f"jax.numpy.linalg:eigh -i {SPD}": ("",),
    "jax.numpy.linalg:svd -s 3x3 -p full_matrices=false": ("",),
    "jax.numpy:interp -s 4 --with 'xp=[-2,-1,0,1,2]' --with fp=5": ("--wrt x,fp",),
    "equinox.nn:Linear -p in_features=3 -p out_features=2 -s 3": ("", "--wrt all"),
    "equinox.nn:GRUCell -p input_size=3 -p hidden_size=2 -s 3 --with hidden=2": ("", "--wrt weight_hh"),
    "flax.nnx:Linear -p in_features=3 -p out_features=2 -s 4x3": ("", "--wrt all"),
    f"{OWN.name}:dense -s 4x3": ("", "--wrt 'p.*'"),
    "optax:softmax_cross_entropy -s 3x4 --with labels=3x4": ("", "--wrt all"),
    "optax:softmax_cross_entropy_with_integer_labels -s 3x4 --with 'labels=[0,2,1]'": ("",),
    "optax:huber_loss -s 4 --with targets=4": ("--wrt all",),
    "optax:cosine_similarity -s 3x4 --with targets=3x4": ("--wrt all",),
    f"optax:ctc_loss -s 2x5x4 --with {PADDED}": ("",),
    f"scipy.linalg:expm -s 3x3 -d {OWN.name}:expm_push --derivative-kind jvp": ("",),
    f"scipy.linalg:inv -s 3x3 -d {OWN.name}:inv_push --derivative-kind jvp": ("",),
    f"scipy.linalg:solve -s 3x3 --with b=3 -d {OWN.name}:solve_pull --derivative-kind vjp": ("--wrt all", "--wrt b"),
    f"numpy:interp -s 4 --with 'xp=[-2,-1,0,1,2]' --with fp=5 -d {OWN.name}:interp_slopes": ("",),
}  # fmt: skip

# Their gradients are those of log_softmax's results and of symmetric operands: by each entry alone they are wrong.
ACCUSED = ("torch.nn.functional:ctc_loss", "jax.scipy.linalg:cholesky")


@pytest.mark.parametrize("function", COMMANDS)
def test_functions_of_libraries(function: str, benchmark: Any, run_here: RunHere) -> None:
    library = function.split(".")[0].split(":")[0]
    if library in ("equinox", "flax", "optax"):
        pytest.importorskip(library)
    elif function.startswith(f"{OWN.name}:dense"):
        pytest.importorskip("flax")
    benchmark.pedantic(lambda: None, rounds=1)
    rows = []
    for options in COMMANDS[function]:
        start = perf_counter()
        done = run_here(*shlex.split(f"{function} {options}"), "--json", cwd=OWN.parent)
        seconds = perf_counter() - start
        assert done.status in (0, 1), done.err
        found = json.loads(done.text)
        rows.append(f"| `{function}` | `{options}` | {found['verdict']} | {found['calls']} | {seconds:.1f} |")
        assert found["agreement"]["verdict"] is not None
        assert (found["verdict"] == "fail") == function.startswith(ACCUSED), found["findings"]
    print("\n".join(["", *rows]))  # at the end: what is printed before a run would be read with its output
