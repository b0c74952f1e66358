"""nnU-Net's own way from images to a trained network, with the trainers of the package."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
import torch
from nnunet_trainers import folder_of_trainers

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    SimpleITK = pytest.importorskip("SimpleITK", reason="needs SimpleITK")
    from nnunetv2.experiment_planning import plan_and_preprocess_api as api
    from nnunetv2.run.run_training import get_trainer_from_args

pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("ignore")]

CASES = [f"case_{number}" for number in range(5)]
EPOCHS = 3
#: Each with a configuration.
TRAININGS = [
    ("2d", "nnUNetTrainerNativeDiceTopK"),
    ("2d", "nnUNetTrainerNativeBlob"),
    ("3d_fullres", "nnUNetTrainerNativeLoss"),
    ("3d_fullres", "nnUNetTrainerNativeClDice"),
    ("3d_fullres", "nnUNetTrainerNativeSkeletonRecall"),
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Those that nnU-Net is told of, with a data set of bright tubes and brighter ends in them."""
    base = tmp_path_factory.mktemp("nnunet")
    found = {f"nnUNet_{name}": str(base / name) for name in ("raw", "preprocessed", "results")}
    raw = base / "raw" / "Dataset001_Dummy"
    for name in ("imagesTr", "labelsTr"):
        (raw / name).mkdir(parents=True)
    generator = np.random.default_rng(0)
    for number, case in enumerate(CASES):
        labels = np.zeros((16, 32, 32), np.uint8)
        labels[4:12, 4:28, 10 + number : 15 + number] = 1
        labels[4:12, 22:28, 10 + number : 28] = 2
        image = labels + generator.normal(0.0, 0.3, labels.shape).astype(np.float32)
        # Case 0 was not annotated for tumours.
        labels[(labels == 2) & (number == 0)] = 0
        SimpleITK.WriteImage(
            SimpleITK.GetImageFromArray(image), str(raw / "imagesTr" / f"{case}_0000.nii.gz")
        )
        SimpleITK.WriteImage(
            SimpleITK.GetImageFromArray(labels), str(raw / "labelsTr" / f"{case}.nii.gz")
        )
    dataset = {
        "channel_names": {"0": "CT"},
        "labels": {"background": 0, "vessel": 1, "tumour": 2},
        "numTraining": len(CASES),
        "file_ending": ".nii.gz",
        "annotated": {"case_0": ["vessel"]},
    }
    (raw / "dataset.json").write_text(json.dumps(dataset))
    with pytest.MonkeyPatch.context() as environment:
        for name, folder in found.items():
            environment.setenv(name, folder)
        api.extract_fingerprints([1], num_processes=1)
        api.plan_experiments([1])
        api.preprocess([1], configurations=("2d", "3d_fullres"), num_processes=(1, 1))
    split = {"train": CASES[:4], "val": CASES[4:]}
    preprocessed = base / "preprocessed" / "Dataset001_Dummy"
    (preprocessed / "splits_final.json").write_text(json.dumps([split]))
    return found


@pytest.mark.parametrize(("configuration", "name"), TRAININGS)
def test_nnunet_trains(folders, monkeypatch, configuration, name):
    for variable, folder in folders.items():
        monkeypatch.setenv(variable, folder)
    monkeypatch.setenv("nnUNet_extTrainer", folder_of_trainers())
    # Cases travel with the batches of other processes.
    monkeypatch.setenv("nnUNet_n_proc_DA", "1")
    trainer = get_trainer_from_args("1", configuration, 0, name, device=torch.device("cpu"))
    assert trainer.annotated == {"case_0": [True, True, False]}
    trainer.num_epochs = EPOCHS
    trainer.num_iterations_per_epoch = 5
    trainer.num_val_iterations_per_epoch = 2
    trainer.run_training()
    values = {
        key: trainer.logger.get_value(key, step=None) for key in ("train_losses", "val_losses")
    }
    assert all(len(found) == EPOCHS and np.isfinite(found).all() for found in values.values())
    assert values["train_losses"][-1] < values["train_losses"][0]
