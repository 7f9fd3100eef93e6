"""Trainings that take turns on one core, so that a busy machine is as unkind to each."""

from __future__ import annotations

import time
from typing import Any

from ignite.engine import Engine, Events

__all__ = ["Arm", "let_all_train"]


class Arm:
    """One of the trainings, with its processor time so far.

    Parameters
    ----------
    trainer : NetworkTrainer
    turn_s : float
        Processor time after which it lets the others go on.
    """

    def __init__(self, trainer: Any, turn_s: float) -> None:
        self.trainer, self.turn_s = trainer, turn_s
        self.spent_s, self._began, self._seen = 0.0, 0.0, {}
        trainer.add_event_handler(Events.ITERATION_COMPLETED, self._watch)

    def go_on(self) -> None:
        """Train for one turn."""
        self._began = time.process_time()
        self.trainer.run()
        self.spent_s += time.process_time() - self._began

    def about(self) -> dict[str, float]:
        """Processor time, iterations and the mean of each term."""
        means = {name: round(sum(values) / len(values), 4) for name, values in self._seen.items()}
        return {"spent_s": round(self.spent_s, 1), "iterations": self.trainer.state.iteration, **means}

    def _watch(self, engine: Engine) -> None:
        for name, value in engine.state.output.items():
            self._seen.setdefault(name, []).append(float(value))
        if time.process_time() - self._began > self.turn_s:
            engine.interrupt()


def let_all_train(arms: dict[str, Arm], minutes: float, *, turn_s: float) -> Any:
    """Yield whenever all have had as much, until each has had `minutes` of processor time."""
    while min(arm.spent_s for arm in arms.values()) < 60 * minutes:
        min(arms.values(), key=lambda arm: arm.spent_s).go_on()
        spent = [arm.spent_s for arm in arms.values()]
        if max(spent) - min(spent) < turn_s:
            yield
