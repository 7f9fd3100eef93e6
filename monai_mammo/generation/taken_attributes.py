"""Which conditions the weights of a diffusion bundle respond to; what they ignore is never stated as a fact."""

from __future__ import annotations

from collections.abc import Sequence

from monai_mammo.attributes import TABLE
from monai_mammo.bundle import BundleFolder
from monai_mammo.conditions import Conditions
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.text import DESCRIBED

__all__ = ["keep_taken", "taken_attributes", "unanswered_notes"]


def taken_attributes(folder: BundleFolder) -> tuple[str, ...]:
    """Conditions that a diffusion bundle's networks are told of.

    Parameters
    ----------
    folder : BundleFolder
        Its network's definition names the optional ones as ``more_attributes``.

    Returns
    -------
    tuple of str

    Raises
    ------
    MammoError
        The definition cannot be read.
    """
    _, arguments = folder.network_definition()
    more = arguments.get("more_attributes", ())
    if not isinstance(more, (list, tuple)):
        raise MammoError(f"more_attributes of bundle {folder.name} is not a list")
    return tuple(one.name for one in TABLE if one.is_learnt and (not one.is_optional or one.name in more))


def keep_taken(
    conditions: Conditions, taken: Sequence[str], *, bundle: str, refuse: bool
) -> tuple[Conditions, tuple[str, ...]]:
    """Conditions without those that a bundle ignores, and warnings that say so.

    Parameters
    ----------
    conditions : Conditions
    taken : sequence of str
        As `taken_attributes` gives them.
    bundle : str
        Name of the bundle, for the message.
    refuse : bool
        Whether such conditions are refused, not left out.

    Returns
    -------
    conditions : Conditions
    warnings : tuple of str

    Raises
    ------
    RequestError
        The bundle ignores a condition, and `refuse` holds.
    """
    named = [name for name in conditions.to_dict() if name != "text"]  # whose words are conditions by now
    ignored = [name for name in named if name not in taken]
    described = [name for name in ignored if name in DESCRIBED and conditions.text is not None]
    conditions = conditions.replace(**dict.fromkeys(described))  # the notes on the text say so
    ignored = [name for name in ignored if name not in described]
    if not ignored:
        return conditions, ()
    verb = "is" if len(ignored) == 1 else "are"
    sentence = f"{' and '.join(ignored)} {verb} not among what bundle {bundle} responds to ({', '.join(taken)})"
    if refuse:
        raise RequestError(f"{sentence}: leave out {' and '.join(ignored)}")
    return conditions.replace(**dict.fromkeys(ignored)), (f"{sentence} and {verb} left out",)


def unanswered_notes(conditions: Conditions, folder: BundleFolder) -> tuple[str, ...]:
    """Sentences for requested conditions that the bundle was measured not to respond to.

    Parameters
    ----------
    conditions : Conditions
    folder : BundleFolder
        Its metadata state what was measured (``responds_to``).

    Returns
    -------
    tuple of str

    Raises
    ------
    MammoError
        They state something else there.
    """
    measured = folder.responds_to
    notes = []
    for name in conditions.to_dict():
        entry = measured.get(name, {})
        if entry.get("responds") is not False:
            continue
        low, high, p = (entry.get(key) for key in ("low", "high", "p"))
        figure = f"p {p}" if low is None else f"{low:+.2f} to {high:+.2f}"
        notes.append(
            f"bundle {folder.name} does not respond to {name}, as measured: {entry.get('measure')}, {figure} over "
            f"{entry.get('n_seeds')} seeds"
        )
    return tuple(notes)
