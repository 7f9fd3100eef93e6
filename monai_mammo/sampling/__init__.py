"""From noise to latents: schedule, solvers, guidance and noise. Tensors in, tensors out, exact against closed forms."""

from __future__ import annotations

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

__all__ = [
    "CosineSchedule",
    "RectifiedFlowSchedule",
    "Schedule",
    "add_noise",
    "per_sample",
    "u_to_eps",
    "u_to_z0",
    "v_to_eps",
    "v_to_z0",
    "z0_eps_to_u",
    "z0_eps_to_v",
    "z0_to_eps",
]
