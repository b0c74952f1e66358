"""Trainers for nnU-Net's `-tr`. The only part of this package that imports nnU-Net."""
