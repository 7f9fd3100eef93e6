"""Error of the samplers on Gaussian data, by the number of network evaluations.

    python benchmarks/sampler_error.py

Prints a table for DDIM and DPM-Solver++(2M) on both schedules: the root mean square error, from standard Gaussian
noise to the data, in standard deviations of the data, over 64 dimensions with spreads from 0.05 to 2; then the same for
other ends of the grid, also with a spread of 50, as the mean brightness of a whole latent may have. No sampling noise
and no network: the same figures on every machine.
"""

from __future__ import annotations

import math

import torch

from monai_mammo.sampling import (
    CosineSchedule,
    GaussianOracle,
    RectifiedFlowSchedule,
    ddim,
    dpm_solver_pp_2m,
    time_grid,
)

N_EVALUATIONS = (5, 10, 15, 20, 50)
LAMBDA_RANGES = ((-10.0, 5.0), (-8.0, 5.0), (-6.0, 5.0), (-5.0, 5.0), (-6.0, 4.0), (-6.0, 6.0))


def latent_data() -> GaussianOracle:
    """64 dimensions, means from -1.5 to 1.5, spreads log-spaced from 0.05 to 2 in an order of their own."""
    shuffled = torch.randperm(64, generator=torch.Generator().manual_seed(1))
    spread = torch.logspace(math.log10(0.05), math.log10(2), 64, dtype=torch.float64)[shuffled]
    return GaussianOracle(torch.linspace(-1.5, 1.5, 64, dtype=torch.float64), spread)


def brightness_data() -> GaussianOracle:
    """One dimension of spread 50: a weight that all 3,000 values of a smooth latent share."""
    return GaussianOracle(torch.zeros(1, dtype=torch.float64), torch.full((1,), 50.0, dtype=torch.float64))


def row(name: str, errors: list[float]) -> str:
    """A line of a Markdown table."""
    return f"| {name} | " + " | ".join(f"{error:.4f}" for error in errors) + " |"


def even_in_time(n_evaluations: int) -> torch.Tensor:
    """Times evenly spaced in t, as most published samplers have them."""
    return torch.linspace(0.999, 0.004, n_evaluations, dtype=torch.float64)


def main() -> None:
    """Print the tables."""
    data, brightness = latent_data(), brightness_data()
    header = "| | " + " | ".join(f"n = {n}" for n in N_EVALUATIONS) + " |\n" + "|---" * (len(N_EVALUATIONS) + 1) + "|"
    print(f"Solver, default grid\n\n{header}")
    for schedule in (CosineSchedule(), RectifiedFlowSchedule()):
        kind = type(schedule).__name__
        for solver in (ddim, dpm_solver_pp_2m):
            grids = {"log-SNR": lambda n, of=schedule: time_grid(of, n), "time": even_in_time}
            for spacing, grid in grids.items():
                errors = [data.data_error(solver, grid(n), schedule) for n in N_EVALUATIONS]
                print(row(f"{kind}, {solver.__name__}, even in {spacing}", errors))
    schedule = CosineSchedule()
    for title, oracle in (("spreads 0.05 to 2", data), ("spread 50", brightness)):
        print(f"\nRange of lambda, dpm_solver_pp_2m on the cosine schedule, {title}\n\n{header}")
        for ends in LAMBDA_RANGES:
            errors = [
                oracle.data_error(dpm_solver_pp_2m, time_grid(schedule, n, lambda_range=ends), schedule)
                for n in N_EVALUATIONS
            ]
            print(row(f"{ends[0]:g} to {ends[1]:g}", errors))


if __name__ == "__main__":
    main()
