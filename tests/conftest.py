"""The suite runs on the CPU on every machine, so that results are the same everywhere and no test waits for a compiler.

What differs on a GPU is also tested here, on the CPU; `python -m benchmarks_perf --size full` measures it.
`CUDA_VISIBLE_DEVICES=0 make test` runs the suite on a GPU.
"""

import os

if "PYTEST_XDIST_WORKER" in os.environ:  # processes that share the cores would wait for each others' threads
    os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")  # read when PyTorch first looks for a GPU
