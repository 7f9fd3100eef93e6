"""Which conditions the weights of a generator's bundle respond to; what they ignore is never stated as a fact."""

from __future__ import annotations

from collections.abc import Sequence

from monai_mammo.attributes import TABLE
from monai_mammo.bundle import BundleFolder, SupportTable
from monai_mammo.conditions import Conditions
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.lesions.hash_draw import drawn_share
from monai_mammo.text import DESCRIBED

__all__ = ["keep_taken", "stated_as_drawn", "taken_attributes", "unanswered_notes"]


def taken_attributes(folder: BundleFolder) -> tuple[str, ...]:
    """Conditions that a generator's bundle responds to.

    Parameters
    ----------
    folder : BundleFolder
        Its network's definition names the optional ones as ``more_attributes``; one that is not ``conditional``, such
        as a plain VAE, is told of none.

    Returns
    -------
    tuple of str
        The laterality always: a left and a right breast are the same picture, mirrored.

    Raises
    ------
    MammoError
        The definition cannot be read.
    """
    _, arguments = folder.network_definition()
    if arguments.get("conditional", True) is False:
        return ("laterality",)
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


def stated_as_drawn(
    conditions: Conditions, taken: Sequence[str], *, table: SupportTable, bundle: str, seed: int, index: int
) -> tuple[Conditions, tuple[str, ...]]:
    """Conditions whose kind and view are drawn as the training images have them, where a bundle ignores both.

    A file must state kind and view; of a bundle that draws any of its training images' kinds and views, the sample's
    own cannot be known. Over a run they are right, of a sample they are a guess, and a warning says so.

    Parameters
    ----------
    conditions : Conditions
        As `keep_taken` left them.
    taken : sequence of str
    table : SupportTable
    bundle : str
        Name of the bundle, for the warning.
    seed, index : int
        Of the run, and number of the sample.

    Returns
    -------
    conditions : Conditions
    warnings : tuple of str
        Empty where the bundle responds to kind and view.
    """
    if "kind" in taken and "view" in taken:
        return conditions, ()
    rows = [row for row in table.rows if row.conditions.kind is not None and row.conditions.view is not None]
    left = drawn_share(seed, index, "kind and view") * sum(row.n_images for row in rows)
    for row in rows:
        left -= row.n_images
        if left < 0:
            conditions = conditions.replace(kind=row.conditions.kind, view=row.conditions.view)
            break
    sentence = (
        f"bundle {bundle} responds to {', '.join(taken)} alone: kind and view are stated as often as its training "
        "images have them, and this picture may show others"
    )
    return conditions, (sentence,)
