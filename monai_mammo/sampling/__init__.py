"""From noise to latents: schedule, solvers, guidance and noise. Tensors in, tensors out, exact against closed forms.

`bundle_sampler` alone knows bundles: it opens the sampler of one.
"""

from __future__ import annotations

from monai_mammo.sampling.cascade import Cascade, CascadeNoise, by_kind
from monai_mammo.sampling.guidance import Guidance, autoguided, guided_prediction, without_condition, z0_predictor
from monai_mammo.sampling.known import KnownLatent, joined, keeping, membrane, partial_time_grid, started_from
from monai_mammo.sampling.latents import OneStage, OneStageNoise, sample_latents, stack_noise
from monai_mammo.sampling.noise import gaussian, initial_noise
from monai_mammo.sampling.oracle import GaussianOracle
from monai_mammo.sampling.schedule import (
    CosineSchedule,
    RectifiedFlowSchedule,
    Schedule,
    add_noise,
    per_sample,
    u_to_eps,
    u_to_z0,
    v_to_eps,
    v_to_z0,
    z0_eps_to_u,
    z0_eps_to_v,
    z0_to_eps,
)
from monai_mammo.sampling.solvers import ddim, ddim_inversion, dpm_solver_pp_2m, time_grid
from monai_mammo.sampling.tiles import Tiling
from monai_mammo.sampling.vector_prior import VectorNoise, VectorPrior

__all__ = [
    "Cascade",
    "CascadeNoise",
    "CosineSchedule",
    "GaussianOracle",
    "Guidance",
    "KnownLatent",
    "OneStage",
    "OneStageNoise",
    "RectifiedFlowSchedule",
    "Schedule",
    "Tiling",
    "VectorNoise",
    "VectorPrior",
    "add_noise",
    "autoguided",
    "by_kind",
    "ddim",
    "ddim_inversion",
    "dpm_solver_pp_2m",
    "gaussian",
    "guided_prediction",
    "initial_noise",
    "joined",
    "keeping",
    "membrane",
    "partial_time_grid",
    "per_sample",
    "sample_latents",
    "stack_noise",
    "started_from",
    "time_grid",
    "u_to_eps",
    "u_to_z0",
    "v_to_eps",
    "v_to_z0",
    "without_condition",
    "z0_eps_to_u",
    "z0_eps_to_v",
    "z0_predictor",
    "z0_to_eps",
]
