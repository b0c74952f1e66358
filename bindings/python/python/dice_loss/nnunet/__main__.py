"""Prints the folder of the trainer, for the environment variable nnUNet_extTrainer."""

from pathlib import Path

print(Path(__file__).parent / "trainers")
