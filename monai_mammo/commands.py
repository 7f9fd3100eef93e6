"""The commands, each a Python function of the same name and the same words: the one list of them.

`monai_mammo` offers the functions, ``monai-mammo`` the commands, the documents the table made from this list.
"""

from __future__ import annotations

import dataclasses

__all__ = ["COMMANDS", "Command", "markdown_rows"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command and its function.

    Parameters
    ----------
    name : str
        Of the command; the function in `monai_mammo` has the same, with ``_`` for ``-`` and for a space.
    module : str
        Where the function is written.
    does : str
        What it does, as ``--help`` and the documents say.
    """

    name: str
    module: str
    does: str

    @property
    def function(self) -> str:
        """Name of the function in `monai_mammo`."""
        return self.name.replace("-", "_").replace(" ", "_")


COMMANDS: tuple[Command, ...] = (
    Command(name="generate", module="monai_mammo.generation.generate_run", does="make synthetic mammograms"),
    Command(name="verify", module="monai_mammo.generation.runs.verification", does="check a run's folder"),
    Command(
        name="reconstruct",
        module="monai_mammo.generation.reconstruct_images",
        does="show what the autoencoder keeps of real mammograms",
    ),
    Command(
        name="insert",
        module="monai_mammo.editing.insert_lesion",
        does="draw a lesion into acquired mammograms, at their own size",
    ),
    Command(
        name="remove",
        module="monai_mammo.editing.remove_lesion",
        does="fill a region of acquired mammograms with healthy tissue",
    ),
    Command(
        name="evolve",
        module="monai_mammo.editing.evolve_lesion",
        does="show one breast at several visits, with a lesion that grows by a law",
    ),
    Command(
        name="counterfactual",
        module="monai_mammo.editing.counterfactual_edit",
        does="change a mammogram until the lesion network reads it otherwise, and ask the judge",
    ),
    Command(
        name="translate",
        module="monai_mammo.editing.translate_view",
        does="draw the contrast view of a breast from its digital one, and the reverse",
    ),
    Command(
        name="augment",
        module="monai_mammo.editing.augment_folder",
        does="make a training set of edited mammograms, with boxes",
    ),
    Command(
        name="prepare",
        module="monai_mammo.prepare.preparation",
        does="bring mammograms to one grid, with masks and splits",
    ),
    Command(name="train", module="monai_mammo.training.start", does="run a bundle's training"),
    Command(
        name="doctor",
        module="monai_mammo.prepare.inspection.examine",
        does="say what a data set hides: leakage, faults, what cannot be read",
    ),
    Command(
        name="deidentify",
        module="monai_mammo.dicom.deidentification.delivery",
        does="copy mammograms without what tells whose they are",
    ),
    Command(name="bundles", module="monai_mammo.bundle.listing", does="list the bundles that are found"),
    Command(
        name="evaluate",
        module="monai_mammo.evaluation.evaluate_figures",
        does="measure what weights keep, see and draw",
    ),
    Command(
        name="reader-kit",
        module="monai_mammo.evaluation.reader_study.kit_folder",
        does="write a study in which readers tell acquired from synthetic mammograms",
    ),
    Command(
        name="reader-kit analyse",
        module="monai_mammo.evaluation.reader_study.reader_analysis",
        does="say what the answers of a reader study show",
    ),
    Command(
        name="import-checkpoint",
        module="monai_mammo.checkpoint_import.importing",
        does="make a MONAI module of weights of other projects",
    ),
)
"""All commands, in the order in which ``--help`` shows them."""


def markdown_rows() -> str:
    """Table of the commands as README and user guide show it.

    Returns
    -------
    str
    """
    rows = [f"| `{one.name}` | `monai_mammo.{one.function}` | {one.does} |" for one in COMMANDS]
    return "\n".join(["| command | function | does |", "|---|---|---|", *rows]) + "\n"
