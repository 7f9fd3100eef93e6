"""The sentence: for what generated images may be used, by rules that are stated beside it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from monai_mammo.evaluation.report.criteria import NO_TRAINING, QUESTIONS
from monai_mammo.evaluation.report.lights import Light, worst

__all__ = ["USES", "Use", "answers_to_questions", "how_many_outside", "sentence_of", "uses_of", "uses_table"]

_IN_WORDS = {
    "realism": "whether they are real enough",
    "request": "whether they show what was requested",
    "help": "whether they help a training",
    "copies": "whether they copy persons",
    "substitution": "whether they teach as much as acquired images",
    "coverage": "how much they show of what acquired images show",
    "consistency": "whether figures hold in each subgroup",
}
_LEAST_FAMILIES = 2
_CLOSENESS = "suspected_copies"
_NEVER = "diagnosis"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A use, and the lights that it needs.

    Parameters
    ----------
    name : str
        As the sentence has it.
    needs : mapping of str to tuple of Light
        Lights that are enough, by question or heading.
    """

    name: str
    needs: Mapping[str, tuple[Light, ...]]


_ANY_BUT_BAD = (Light.GOOD, Light.UNCLEAR, Light.NOT_MEASURED)
_SHOWN_NOT_BAD = (Light.GOOD, Light.UNCLEAR)
_GOOD = (Light.GOOD,)

USES: tuple[Use, ...] = (
    Use(name="testing software", needs={"copies": _ANY_BUT_BAD}),
    Use(name="sharing with others", needs={"copies": _GOOD}),
    Use(
        name="a training beside acquired images whose gain is then measured",
        needs={
            "copies": _ANY_BUT_BAD,
            "realism": _SHOWN_NOT_BAD,
            "request": _SHOWN_NOT_BAD,
            "help": _ANY_BUT_BAD,
        },
    ),
    Use(name="a training of the sort that is shown to gain by them", needs={"copies": _ANY_BUT_BAD, "help": _GOOD}),
    Use(
        name="measuring a detector in place of acquired images",
        needs={
            "copies": _SHOWN_NOT_BAD,
            "realism": _GOOD,
            "request": _GOOD,
            "coverage": _SHOWN_NOT_BAD,
            "consistency": _SHOWN_NOT_BAD,
        },
    ),
    Use(
        name="a training in place of acquired images",
        needs={
            "copies": _SHOWN_NOT_BAD,
            "realism": _GOOD,
            "request": _GOOD,
            "help": _SHOWN_NOT_BAD,
            "substitution": _GOOD,
            "coverage": _GOOD,
            "consistency": _SHOWN_NOT_BAD,
        },
    ),
)
"""Uses, the one that needs least first. Diagnosis is none of them, whatever the figures."""


def answers_to_questions(verdicts: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Light of each question and of each heading that a use names.

    Parameters
    ----------
    verdicts : sequence of mapping
        As `verdicts_of` gives them.

    Returns
    -------
    dict of str to dict
        ``question``, ``light`` and ``because``: the worst of its figures, and which these are. Realism needs figures
        of two sorts of features or more, and copies closeness to training images; without they are not measured, unless
        they are outside limits already.
    """
    out = {}
    for name in (*QUESTIONS, "coverage", "consistency", "substitution"):
        some = [row for row in verdicts if name in (row["question"], row["heading"])]
        light = worst(Light(row["light"]) for row in some)
        deciding = [row["title"] for row in some if Light(row["light"]) is light is not Light.NOT_MEASURED]
        because = "; ".join(deciding)
        families = {row["family"] for row in some if row["family"] and Light(row["light"]) is not Light.NOT_MEASURED}
        if name == "realism" and len(families) < _LEAST_FAMILIES and light is not Light.BAD:
            light, because = Light.NOT_MEASURED, "features of two sorts or more are needed"
        closeness = [Light(row["light"]) for row in some if row["name"] == _CLOSENESS]
        if name == "copies" and worst(closeness) is Light.NOT_MEASURED and light is not Light.BAD:
            light, because = Light.NOT_MEASURED, ""
        if light is Light.NOT_MEASURED and not because:
            reasons = [f"{row['title']}: {row['reason']}" for row in some if row["reason"]]
            because = "; ".join(reasons) or NO_TRAINING
        out[name] = {"question": QUESTIONS.get(name, name), "light": str(light), "because": because}
    return out


def how_many_outside(verdicts: Sequence[Mapping[str, Any]], name: str) -> str:
    """How many figures of a question or heading lie outside limits, in words; empty where none was measured.

    The light of a question is that of its worst figure, so it is the same whether one fails or all.

    Parameters
    ----------
    verdicts : sequence of mapping
        As `verdicts_of` gives them.
    name : str
        Such as ``realism``.

    Returns
    -------
    str
    """
    lights = [Light(row["light"]) for row in verdicts if name in (row["question"], row["heading"])]
    n = len(lights) - lights.count(Light.NOT_MEASURED)
    return f"{lights.count(Light.BAD)} of {n} figures {Light.BAD}" if n else ""


def uses_of(answers: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    """Whether each of `USES` is allowed.

    Parameters
    ----------
    answers : mapping
        As `answers_to_questions` gives them.

    Returns
    -------
    list of dict
        ``use``, ``is_allowed`` and ``because``: what stands against it.
    """
    out = []
    for use in USES:
        against = [
            f"{_IN_WORDS[name]} is {answers[name]['light']}"
            for name, enough in use.needs.items()
            if Light(answers[name]["light"]) not in enough
        ]
        out.append({"use": use.name, "is_allowed": not against, "because": "; ".join(against)})
    return out


def sentence_of(uses: Sequence[Mapping[str, Any]]) -> str:
    """For what images may and may not be used, in one sentence.

    Parameters
    ----------
    uses : sequence of mapping
        As `uses_of` gives them.

    Returns
    -------
    str
    """
    allowed = [use["use"] for use in uses if use["is_allowed"]]
    refused = [*(use["use"] for use in uses if not use["is_allowed"]), _NEVER]
    if not allowed:
        return f"These images may not be used for {_listed(refused, 'or')}."
    return f"These images may be used for {_listed(allowed, 'and')}; they may not be used for {_listed(refused, 'or')}."


def uses_table() -> str:
    """The rules as a markdown table, as the documents show them.

    Returns
    -------
    str
    """
    rows = [f"| {use.name} | {_needs(use)} |" for use in USES]
    return "\n".join(["| use | needs |", "|---|---|", *rows, f"| {_NEVER} | never |"]) + "\n"


def _listed(words: Sequence[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def _needs(use: Use) -> str:
    return "; ".join(f"{name} {' or '.join(enough)}" for name, enough in use.needs.items())
