"""Segmentation losses for PyTorch."""

from ._measure import measure

__all__ = ["measure"]
