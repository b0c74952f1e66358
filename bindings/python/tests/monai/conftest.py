"""Two threads, whatever the machine has, and the same random numbers in every run."""

import pytest
import torch

torch.set_num_threads(2)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)
