"""Learning that was stopped goes on where it was, seconds before."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from methods.joint_inversion import JointInversion

SECONDS_BETWEEN_STATES = 10.0
"""At most so much learning is lost by a stop; to look more often would make a GPU wait."""


class LearningStates(Protocol):
    """The latest state of each learning, by name: a dictionary, or something that outlives the process."""

    def get(self, name: str, /) -> dict[str, Any] | None: ...

    def __setitem__(self, name: str, state: dict[str, Any], /) -> None: ...


def finish(
    learning: JointInversion, steps: int, states: LearningStates, name: str, report: Callable[[int], None]
) -> None:
    """Take the steps that are left, from the state that is kept under a name.

    Args:
        report: called with the steps done, after each of them.
    """
    if (state := states.get(name)) is not None:
        learning.load_state_dict(state)
        report(learning.steps_done)
    kept = time.monotonic()
    while learning.steps_done < steps:
        learning.step()
        if learning.steps_done == steps or time.monotonic() - kept >= SECONDS_BETWEEN_STATES:
            states[name] = learning.state_dict()
            kept = time.monotonic()
        report(learning.steps_done)
