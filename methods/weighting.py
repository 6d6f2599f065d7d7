"""DIAGen's component (c): how much a synthetic image counts, from the calibrated confidence in its label."""

from __future__ import annotations

import numpy as np

from datasets.errors import UnknownName, UserError
from evaluation.arrays import Doubles, Floats

RULES = ("min(1, 2c)", "c")
"""`min(1, 2c)` is the published code's rule; `c` uses the confidence unchanged."""


def weights_from_confidence(confidence: Floats, rule: str = RULES[0]) -> Doubles:
    """Weights w in [0, 1] of images with confidence c in [0, 1], both of shape (images,).

    Sampling normalises them within each guide's images (DIAGen, Eq. 2), so only their ratios there matter.

    Raises:
        UserError: an unknown rule, or a confidence that is not a probability.
    """
    if rule not in RULES:
        raise UnknownName("weight rule", rule, RULES)
    values = np.asarray(confidence, dtype=np.float64)
    if not ((values >= 0) & (values <= 1)).all():
        raise UserError("the guide classifier gave a confidence outside [0, 1]: its training diverged")
    return values if rule == "c" else np.minimum(1.0, 2.0 * values)
