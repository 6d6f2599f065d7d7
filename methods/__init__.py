"""Augmentation methods; importing the package registers them and loads no heavy library."""

from methods import da_fusion, diagen, standard

__all__ = ["da_fusion", "diagen", "standard"]
