"""Datasets and the few-shot task. Importing this package fills the `DATASETS` registry."""

from datasets import coco, custom_coco, focus, image_folder
from datasets.mini_focus import dataset as mini_focus_dataset

__all__ = ["coco", "custom_coco", "focus", "image_folder", "mini_focus_dataset"]
