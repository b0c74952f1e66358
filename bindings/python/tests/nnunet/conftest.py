"""Two threads, whatever the machine has, and the same random numbers in every run."""

import pytest
import torch

torch.set_num_threads(2)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def datasets(tmp_path_factory):
    """Folders of what nnU-Net preprocessed, by the highest label: an ignored one or not."""
    from nnunet_trainers import IGNORED, preprocessed

    folders = {highest: tmp_path_factory.mktemp("preprocessed") for highest in (2, IGNORED)}
    for highest, folder in folders.items():
        preprocessed(folder, highest)
    return folders


@pytest.fixture
def made(datasets, tmp_path, monkeypatch):
    """Makes a trainer of a data set made up, by its name and the kind of labels."""
    from nnunet_trainers import IGNORED, LABELS, found_by_nnunet, trainer_of

    def make(name, kind, *args, **settings):
        highest = IGNORED if "ignore" in LABELS[kind] else 2
        monkeypatch.setenv("nnUNet_results", str(tmp_path))
        monkeypatch.setenv("nnUNet_preprocessed", str(datasets[highest]))
        monkeypatch.setenv("nnUNet_n_proc_DA", "0")
        return trainer_of(found_by_nnunet(name), kind, *args, **settings)

    return make
