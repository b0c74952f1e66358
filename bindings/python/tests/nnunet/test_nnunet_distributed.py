"""Dice over the batches of all ranks."""

from __future__ import annotations

import nnunet_ranks
import pytest
import torch
from beside_nnunet import near, value_and_gradient
from dice_loss import nnunet


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Of both ranks."""
    folder = tmp_path_factory.mktemp("ranks")
    torch.multiprocessing.spawn(nnunet_ranks.run, (str(folder),), nprocs=2)
    return [torch.load(folder / f"{rank}.pt") for rank in range(2)]


@pytest.mark.parametrize("name", nnunet_ranks.NAMES)
def test_ranks_agree_with_those_of_nnunet(results, name):
    for of_rank in results:
        for found, wanted in zip(
            of_rank[name, True, "even"], of_rank[name, False, "even"], strict=True
        ):
            near(found, wanted)


@pytest.mark.parametrize("split", nnunet_ranks.SPLITS)
@pytest.mark.parametrize("name", nnunet_ranks.NAMES[:2])
def test_ranks_agree_with_one_process(results, name, split):
    """Each rank's gradient is of the sum of the losses of both."""
    loss = nnunet_ranks.loss_of(nnunet, name, ddp=False)
    wanted, gradient = value_and_gradient(loss, *nnunet_ranks.data(name))
    for rank, own in enumerate(nnunet_ranks.SPLITS[split]):
        value, found = results[rank][name, True, split]
        near(value, wanted)
        near(found, 2 * gradient[own])
