"""Continues learning that was stopped, from a state saved seconds before the stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from methods.joint_inversion import JointInversion

SECONDS_BETWEEN_STATES = 10.0
"""Most seconds of learning that a stop loses; saving more often would make a GPU wait."""


class LearningStates(Protocol):
    """The latest state of each learning, by name: a dictionary, or a store that outlives the process."""

    def get(self, name: str, /) -> dict[str, Any] | None: ...

    def __setitem__(self, name: str, state: dict[str, Any], /) -> None: ...


def finish(
    learning: JointInversion, steps: int, states: LearningStates, name: str, report: Callable[[int], None]
) -> None:
    """Take the remaining steps, from the state saved under `name` if there is one; stop if every class has diverged.

    Args:
        report: called after each step with the number of steps done.
    """
    if (state := states.get(name)) is not None:
        learning.load_state_dict(state)
        report(learning.steps_done)
    kept, hopeless = time.monotonic(), False
    while learning.steps_done < steps and not hopeless:
        learning.step()
        if learning.steps_done == steps or time.monotonic() - kept >= SECONDS_BETWEEN_STATES:
            states[name] = learning.state_dict()
            kept = time.monotonic()
            hopeless = learning.is_hopeless()
        report(steps if hopeless else learning.steps_done)
