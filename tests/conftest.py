"""The suite runs on the CPU, whatever the machine has: it says the same everywhere, and waits for no compiler.

What a GPU does otherwise is tested here on the CPU as well, and measured by `python -m benchmarks_perf --size full`.
`CUDA_VISIBLE_DEVICES=0 make test` runs the suite on a GPU.
"""

import os

if "PYTEST_XDIST_WORKER" in os.environ:  # processes that share the cores would wait for each other's threads
    os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")  # read when PyTorch first asks for a GPU
