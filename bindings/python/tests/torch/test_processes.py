"""Losses in forked processes, as data loaders have them, and in threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from batches import labels_of, logits_of
from dice_loss.torch import DiceCELoss
from torch.utils.data import DataLoader, Dataset

#: Enough for the engine to use its threads.
SHAPE = (2, 3, 160, 160)


def value_and_gradient():
    x = logits_of("softmax", SHAPE).float().requires_grad_()
    loss = DiceCELoss()(x, labels_of(SHAPE))
    loss.backward()
    return loss.detach(), x.grad


class Hard(Dataset):
    """A data set whose samples carry a loss, as hard-example mining would have it."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        # A worker has one thread. The engine is told of two, torch's own operators are not: after
        # a fork they might wait for OpenMP's lost threads.
        torch.get_num_threads = lambda: 2
        loss, gradient = value_and_gradient()
        return loss, gradient.abs().sum()


# A process that has threads forks: the very thing that is tested.
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_data_loader_workers():
    torch.set_num_threads(2)
    loss, gradient = value_and_gradient()  # the parent has a pool already
    loader = DataLoader(Hard(), batch_size=2, num_workers=2, multiprocessing_context="fork")
    batches = list(loader)
    assert len(batches) == 2
    for losses, sums in batches:
        torch.testing.assert_close(losses, loss.expand(2), rtol=0.0, atol=0.0)
        torch.testing.assert_close(sums, gradient.abs().sum().expand(2))


def test_threads_share_a_loss():
    loss, gradient = value_and_gradient()
    with ThreadPoolExecutor(4) as pool:
        for found, found_gradient in pool.map(lambda _: value_and_gradient(), range(8)):
            assert torch.equal(found, loss) and torch.equal(found_gradient, gradient)
