"""The words of a report as conditions.

A report is read sentence by sentence. Descriptors directly before the noun of a finding belong to it, those behind a
noun to that noun; a descriptor that does not fit the finding (a margin of calcifications) goes to the next that it
fits. A negation holds until the sentence ends or is turned by "but", "there is" and the like. What is not known is
kept.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from monai_mammo.conditions import Conditions
from monai_mammo.errors import RequestError
from monai_mammo.terms import (
    AcquisitionKind,
    CalcificationDistribution,
    Finding,
    FindingCategory,
    Laterality,
    Pathology,
    Quadrant,
)
from monai_mammo.text.lexicon import Part
from monai_mammo.text.place import quadrant_of_clock
from monai_mammo.text.report import DESCRIPTOR_FITS, ParsedReport, ReportedFinding
from monai_mammo.text.tokens import Token, tokens_of

__all__ = ["conditions_of_text"]

MAX_CHARACTERS = 20_000
"""Longest text that is read."""

_BY_CONCERN = (5, 4, 0, 6, 3, 2, 1)  # BI-RADS Atlas, 5th ed.: the overall assessment is that of most concern
_PLACES = {Part.QUADRANT: "quadrants", Part.DEPTH: "depths", Part.CLOCK: "clock_hour"}
_NUMBERS = {Part.SIZE: "size_mm", Part.NIPPLE_DISTANCE: "nipple_distance_mm"}
_LISTS = ("margins", "morphologies", "quadrants", "depths")
_WITHOUT_LESION = (
    FindingCategory.MASS,
    FindingCategory.CALCIFICATION,
    FindingCategory.ARCHITECTURAL_DISTORTION,
    FindingCategory.ASYMMETRY,
    FindingCategory.FOCAL_ASYMMETRY,
    FindingCategory.NONMASS_ENHANCEMENT,
    FindingCategory.ENHANCEMENT,
)
_BOTH = "both"


def conditions_of_text(text: str) -> ParsedReport:
    """What the text of a mammography report says, as conditions, and what of it was not understood.

    Findings of several categories: `Conditions` holds the one that comes first in `Finding`, with its side. A report
    that names only what is absent, or calls the mammogram normal, has finding ``none``. Several BI-RADS categories: the
    one of most concern. Several views, or both sides: left open. "Left" beside a quadrant is the side of the breast.
    Words of opinion (suspicious, malignant) state no condition unless they are called proven; see
    `ParsedReport.opinions`.

    Parameters
    ----------
    text : str
        English, as radiologists write it; 20,000 characters at most.

    Returns
    -------
    ParsedReport

    Raises
    ------
    RequestError
        The text is too long, or states two breast densities or two ages.

    Examples
    --------
    >>> report = conditions_of_text("irregular spiculated mass, upper outer quadrant, left breast, BI-RADS 5")
    >>> report.conditions.finding.value, report.conditions.laterality.value, report.conditions.birads
    ('mass', 'L', 5)
    """
    if not isinstance(text, str) or len(text) > MAX_CHARACTERS:
        raise RequestError(f"text of a report must be a string of at most {MAX_CHARACTERS} characters")
    reader = _Reader()
    for sentence in _sentences(tokens_of(text)):
        reader.read(sentence)
    return reader.report(text)


@dataclasses.dataclass(eq=False)
class _Draft:
    """A finding while it is read."""

    category: FindingCategory | None
    values: dict[str, Any] = dataclasses.field(default_factory=dict)
    side: Laterality | str | None = None
    side_before: Laterality | str | None = None
    sentence: int = 0
    is_another: bool = False
    part_of: _Draft | None = None

    def take(self, token: Token) -> bool:
        """Add what a token says; whether it fits."""
        if token.part is Part.SIDE:
            side = token.value or _BOTH
            if self.side not in (None, side):
                return False
            self.side = side
            return True
        if token.part in _PLACES or token.part in _NUMBERS:
            return self._put((_PLACES | _NUMBERS)[token.part], token.value)
        for name, value in token.value:
            if self.category in DESCRIPTOR_FITS[name]:
                return self._put(name, value)
        return False

    def _put(self, name: str, value: Any) -> bool:
        if name in _LISTS:
            values = self.values.setdefault(name, [])
            if value not in values:
                values.append(value)
            return True
        if name == "size_mm":
            value = max(value, self.values.get(name, 0.0))
        elif name == "distribution" and self.values.get(name) is CalcificationDistribution.GROUPED:
            pass  # "a cluster of calcifications in a linear arrangement" is linear
        elif name in self.values:
            return self.values[name] == value or name == "distribution"
        self.values[name] = value
        return True

    def has_place(self) -> bool:
        """Whether it is said where in the breast it lies."""
        return any(name in self.values for name in _PLACES.values())

    def agrees(self, other: _Draft) -> bool:
        """Whether both can be the same finding."""
        if self.category is not other.category or (self.side and other.side and self.side != other.side):
            return False
        shared = set(self.values) & set(other.values)
        return all(self.values[name] == other.values[name] for name in shared)


class _Reader:
    """Findings and conditions of the sentences read so far."""

    def __init__(self) -> None:
        self.findings: list[_Draft] = []
        self.negated: list[FindingCategory] = []
        self.said: dict[Part, list[Any]] = {}
        self.opinions: list[str] = []
        self.unknown: list[str] = []
        self.sides: list[Laterality | str] = []
        self.side: Laterality | str | None = None
        self.carried: list[Token] = []
        self.is_clear = False
        self.pathologies: list[Pathology] = []
        self.n_sentences = 0
        self.n_understood = 0

    def read(self, tokens: list[Token]) -> None:
        """Take in one sentence."""
        self.n_sentences += 1
        tokens = _told_apart(tokens)
        _Sentence(self, tokens).read()

    def report(self, text: str) -> ParsedReport:
        """All that was read."""
        for token in self.carried:
            if not self._lesion().take(token):
                self.unknown.append(token.text)
        drafts = self._merged()
        sides = set(self.sides)
        for draft in drafts:
            if draft.side is None:
                draft.side = draft.side_before or (next(iter(sides)) if len(sides) == 1 else None)
        findings = tuple(_finished(draft) for draft in drafts)
        main = self._main(drafts)
        birads = min(self.said.get(Part.BIRADS, []), key=lambda said: _BY_CONCERN.index(said[0]), default=(None, ""))
        conditions = Conditions(
            kind=self._kind(),
            view=self._only(Part.VIEW),
            laterality=self._laterality(drafts, main),
            density=self._one(Part.DENSITY, "breast densities"),
            finding=main,
            birads=birads[0],
            pathology=self.pathologies[0] if len(set(self.pathologies)) == 1 else None,
            age_years=self._one(Part.AGE, "ages"),
            text=text,
            **_described(findings, main),
        )
        letters = [letter for category, letter in self.said.get(Part.BIRADS, []) if category == birads[0] and letter]
        return ParsedReport(
            conditions=conditions,
            findings=findings,
            negated=tuple(dict.fromkeys(self.negated)),
            birads_letter=max(letters, default=""),
            opinions=tuple(dict.fromkeys(self.opinions)),
            not_understood=tuple(dict.fromkeys(self.unknown)),
            is_understood=self.n_understood > 0,
        )

    def _lesion(self) -> _Draft:
        if not self.findings:
            self.findings.append(_Draft(None, side_before=self.side, sentence=self.n_sentences))
        return self.findings[-1]

    def _merged(self) -> list[_Draft]:
        """Findings, with those that a later sentence only names again taken together."""
        out: list[_Draft] = []
        for draft in self.findings:
            same = [one for one in out if one.sentence != draft.sentence and one.agrees(draft)]
            if same and not draft.is_another:
                same[-1].values = {**same[-1].values, **draft.values}
                same[-1].side = same[-1].side or draft.side
            else:
                out.append(draft)
        return out

    def _main(self, drafts: list[_Draft]) -> Finding | None:
        named = [draft.category.finding for draft in drafts if draft.category is not None and draft.category.finding]
        if named:
            return min(named, key=list(Finding).index)
        if any(draft.category is None for draft in drafts):
            return None
        is_without = self.is_clear or any(category in _WITHOUT_LESION for category in self.negated)
        return Finding.NONE if is_without else None

    def _laterality(self, drafts: list[_Draft], main: Finding | None) -> Laterality | None:
        for draft in drafts:
            if main in (None, draft.category and draft.category.finding) and draft.side is not None:
                return draft.side if isinstance(draft.side, Laterality) else None
        sides = set(self.sides)
        return next(iter(sides)) if len(sides) == 1 and _BOTH not in sides else None  # type: ignore[return-value]

    def _kind(self) -> AcquisitionKind | None:
        kinds = set(self.said.get(Part.KIND, []))
        if AcquisitionKind.CONTRAST in kinds:  # which is acquired digitally
            kinds.discard(AcquisitionKind.DIGITAL)
        return next(iter(kinds)) if len(kinds) == 1 else None

    def _only(self, part: Part) -> Any:
        values = set(self.said.get(part, []))
        return next(iter(values)) if len(values) == 1 else None

    def _one(self, part: Part, noun: str) -> Any:
        values = sorted(set(self.said.get(part, [])))
        if len(values) > 1:
            raise RequestError(f"text states {len(values)} {noun}, {values[0]} and {values[1]}: it must state one")
        return values[0] if values else None


def _described(findings: tuple[ReportedFinding, ...], main: Finding | None) -> dict[str, Any]:
    """Descriptors of the main finding, as the conditions hold them, and those of calcifications wherever they are."""
    first = next((one for one in findings if one.category and one.category.finding is main), None)
    if main is None:
        first = next((one for one in findings if one.category is None), None)
    values = first.described() if first is not None else {}
    calcifications = next((one for one in findings if one.category is FindingCategory.CALCIFICATION), None)
    return values if calcifications is None else {**calcifications.described(), **values}


class _Sentence:
    """One sentence while it is read."""

    def __init__(self, reader: _Reader, tokens: list[Token]) -> None:
        self.reader = reader
        self.tokens = tokens
        self.pending: list[tuple[int, Token]] = [(-1, token) for token in reader.carried]
        reader.carried = []
        self.current: _Draft | None = None
        self.is_negated = False
        self.affirmed: list[_Draft] = []
        self.has_noun = False
        self.suggests = False

    def read(self) -> None:
        """Take in all tokens."""
        for at, token in enumerate(self.tokens):
            self._global(token)
            self._step(at, token)
        self._end()

    def _global(self, token: Token) -> None:
        """What holds for the whole mammogram, and what was understood."""
        reader, part = self.reader, token.part
        if part in (Part.DENSITY, Part.BIRADS, Part.VIEW, Part.KIND, Part.AGE):
            reader.said.setdefault(part, []).append(token.value)
        elif part is Part.UNKNOWN:
            reader.unknown.append(token.text)
        elif part in (Part.MALIGNANT, Part.BENIGN):
            self._nature(token)
        elif part is Part.OPINION and not self.is_negated:
            reader.opinions.append(token.text.lower())
        bears = (Part.FINDING, Part.DIAGNOSIS, Part.LESION, Part.DESCRIPTOR, Part.SIDE, *_PLACES, *_NUMBERS)
        if part in (Part.DENSITY, Part.BIRADS, Part.VIEW, Part.KIND, Part.AGE, Part.NORMAL, *bears):
            reader.n_understood += 1

    def _nature(self, token: Token) -> None:
        parts = [one.part for one in self.tokens]
        at = next(i for i, one in enumerate(self.tokens) if one is token)
        if self.is_negated:
            self.reader.is_clear |= token.part is Part.MALIGNANT
            self.reader.n_understood += 1
        elif Part.PROVEN in parts[max(0, at - 4) : at + 3]:
            malignant = token.part is Part.MALIGNANT
            self.reader.pathologies.append(Pathology.MALIGNANT if malignant else Pathology.BENIGN)
            self.reader.n_understood += 1
        else:
            self.reader.opinions.append(token.text.lower())

    def _step(self, at: int, token: Token) -> None:
        part = token.part
        if part in (Part.FINDING, Part.DIAGNOSIS, Part.LESION):
            self._noun(at, token)
        elif part is Part.DESCRIPTOR or part in _PLACES or part in _NUMBERS or part is Part.SIDE:
            if part is Part.SIDE:
                self.reader.sides.append(token.value or _BOTH)
            self.pending.append((at, token))
        elif part is Part.NEGATION:
            self._flush(self.pending)
            self.pending = []
            self.is_negated = True
        elif part is Part.NEGATION_AFTER:
            self._withdraw()
        elif part is Part.CONTRAST:
            self._flush(self.pending)
            self.pending, self.is_negated, self.affirmed = [], False, []
        elif part is Part.THERE:
            self._new_clause(at)
        elif part is Part.SUGGESTS:
            self.suggests = True
        elif part is Part.NORMAL:
            self._normal()

    def _noun(self, at: int, token: Token) -> None:
        """A finding is named."""
        start = self._start_of_group(at)
        own = [(i, t) for i, t in self.pending if i >= start] if self.current or self.has_noun else self.pending
        rest = [pair for pair in self.pending if pair not in own]
        self.pending = []
        before = self.tokens[start - 1].part if start > 0 else Part.END
        self._flush(rest)
        parts = {t.part for t in self.tokens[start:at]}
        is_first, self.has_noun = not self.has_noun, True
        category: FindingCategory | None = token.value
        if self.is_negated:
            self._negate(token, parts | {before})
            return
        if Part.NORMAL in parts | {before} and category is FindingCategory.LYMPH_NODE:
            return
        generic = token.part is Part.LESION
        earlier = self.current or (self.reader.findings[-1] if self.reader.findings else None)
        if self.suggests and self.current and token.part is not Part.FINDING:
            if not generic:
                self.reader.opinions.append(token.text.lower())
            self.pending = self._give(self.current, own)
            return
        if generic and earlier and (before in (Part.DEFINITE, Part.FILLER) or not is_first):
            self.current = earlier
        elif before is Part.DEFINITE and (known := self._known(category)):
            self.current = known
        else:
            if generic and not own and not self._has_place_behind(at):
                return
            sides = [t.value or _BOTH for t in self.tokens[:at] if t.part is Part.SIDE]
            side = sides[-1] if sides else self.reader.side
            draft = _Draft(category, side_before=side, sentence=self.reader.n_sentences)
            draft.is_another = bool({before, *parts} & {Part.ANOTHER})
            draft.part_of = self.current if before is Part.WITH else None
            self.reader.findings.append(draft)
            self.affirmed.append(draft)
            self.current = draft
        self.pending = self._give(self.current, own)

    def _has_place_behind(self, at: int) -> bool:
        bears = (Part.DESCRIPTOR, Part.SIDE, *_PLACES, *_NUMBERS)
        for token in self.tokens[at:]:
            if token.text.lower() in ("a", "an"):  # the next finding
                return False
            if token.part in bears:
                return True
        return False

    def _negate(self, token: Token, parts: set[Part]) -> None:
        if token.part is Part.LESION:
            self.reader.is_clear |= not parts & {Part.FURTHER, Part.ANOTHER}
        else:
            self.reader.negated.append(token.value)

    def _known(self, category: FindingCategory | None) -> _Draft | None:
        return next((one for one in reversed(self.reader.findings) if one.category is category), None)

    def _withdraw(self) -> None:
        """What was named in this clause is not there."""
        self._flush(self.pending)
        self.pending = []
        for draft in self.affirmed:
            self.reader.findings.remove(draft)
            if draft.category is not None:
                self.reader.negated.append(draft.category)
            else:
                self.reader.is_clear = True
        self.affirmed, self.current = [], None

    def _normal(self) -> None:
        parts = {token.part for token in self.tokens}
        others = {Part.ANATOMY, Part.FINDING, Part.DIAGNOSIS}
        if not parts & others:
            self.reader.is_clear = True

    def _new_clause(self, at: int) -> None:
        """ "... and in the right breast there are": what stands before it belongs to what comes."""
        joints = [i for i in range(at) if self.tokens[i].part in (Part.AND, Part.COMMA)]
        if self.current and joints:
            ahead = [(i, t) for i, t in self.pending if i > joints[-1]]
            self._flush([pair for pair in self.pending if pair not in ahead])
            self.pending, self.current, self.has_noun = ahead, None, False
        self.is_negated = False
        self.affirmed = []

    def _start_of_group(self, at: int) -> int:
        """Position of the first word of the noun's own group."""
        describing = (
            *(Part.DESCRIPTOR, Part.SIZE, Part.OPINION, Part.ADJECTIVE, Part.BENIGN, Part.MALIGNANT, Part.KIND),
            Part.UNKNOWN,
        )
        places = (*_PLACES, Part.SIDE)
        start = at
        while start > 0:
            part = self.tokens[start - 1].part
            before = self.tokens[start - 2].part if start > 1 else Part.END
            joined = part in (Part.AND, Part.COMMA) and start < at and before in describing
            place_noun = part is Part.BREAST and before in places
            if not (part in describing or part in places or joined or place_noun):
                break
            start -= 1
        return start

    def _give(self, draft: _Draft, pairs: list[tuple[int, Token]]) -> list[tuple[int, Token]]:
        """Give a finding its own; what does not fit is returned and waits for the next."""
        return [(i, token) for i, token in pairs if not draft.take(token)]

    def _flush(self, pairs: list[tuple[int, Token]]) -> None:
        """Give descriptors to the finding they stand behind."""
        if self.is_negated and self.current is None:
            return
        for _, token in pairs:
            target = self.current
            if self.is_negated and (token.part not in (*_PLACES, Part.SIDE) or (target and target.has_place())):
                continue
            if target is None:
                if token.part is not Part.SIDE:  # which holds for what follows by itself
                    self.reader.carried.append(token)
            elif not target.take(token) and not self._take_anywhere(token) and token.part is Part.DESCRIPTOR:
                self.reader.unknown.append(token.text)

    def _take_anywhere(self, token: Token) -> bool:
        """Whether another finding of the sentence takes it."""
        return any(draft.take(token) for draft in reversed(self.affirmed) if draft is not self.current)

    def _end(self) -> None:
        reader = self.reader
        sides = [t.value or _BOTH for t in self.tokens if t.part is Part.SIDE]
        if not self.has_noun and reader.findings and self.pending:
            self._describe_earlier()
        else:
            self._flush(self.pending)
        for draft in self.affirmed:
            head = draft.part_of
            if head is not None and not head.has_place() and draft.has_place():
                head.values.update({k: v for k, v in draft.values.items() if k in _PLACES.values()})
            if head is not None and head.side is None:
                head.side = draft.side
        if sides:
            reader.side = sides[-1]

    def _describe_earlier(self) -> None:
        """A sentence without a noun: "Margins are spiculated."."""
        if {t.part for t in self.tokens} & {Part.NORMAL, Part.ANATOMY}:
            return
        last = self.reader.findings[-1]
        for _, token in self.pending:
            taken = last.take(token) or any(one.take(token) for one in self.reader.findings)
            if not taken and token.part is Part.DESCRIPTOR:
                self.reader.unknown.append(token.text)


def _sentences(tokens: list[Token]) -> list[list[Token]]:
    out: list[list[Token]] = [[]]
    for token in tokens:
        if token.part is Part.END:
            out.append([])
        else:
            out[-1].append(token)
    return [sentence for sentence in out if sentence]


def _told_apart(tokens: list[Token]) -> list[Token]:
    """Words of two meanings, told apart by their neighbours: skin calcifications, a dense breast, "not spiculated"."""
    out: list[Token] = []
    for token, behind in zip(tokens, [*tokens[1:], None], strict=True):
        word = token.text.lower()
        if (
            token.part is Part.DESCRIPTOR
            and word == "skin"
            and (not behind or behind.value != FindingCategory.CALCIFICATION)
        ):
            token = Token(Part.ANATOMY, None, token.text)
        if token.part is Part.DESCRIPTOR and word in ("dense", "very dense"):
            is_breast = behind is None or behind.part is Part.BREAST or "tissue" in behind.text.lower()
            if is_breast:
                token = Token(Part.UNKNOWN, None, token.text)
        if token.part is Part.DESCRIPTOR and out and out[-1].text.lower() == "not":
            token = Token(Part.UNKNOWN, None, f"{out.pop().text} {token.text}")
        if token.part is Part.UNKNOWN and out and out[-1].part is Part.DENSITY and word == out[-1].value.lower():
            continue  # "extremely dense (d)"
        out.append(token)
    return out


def _finished(draft: _Draft) -> ReportedFinding:
    values: dict[str, Any] = {name: tuple(value) if name in _LISTS else value for name, value in draft.values.items()}
    quadrants = _combined(values.get("quadrants", ()))
    side = draft.side if isinstance(draft.side, Laterality) else None
    if not quadrants and "clock_hour" in values and side is not None:
        quadrants = (quadrant_of_clock(values["clock_hour"], side),)
    values["quadrants"] = quadrants
    return ReportedFinding(category=draft.category, laterality=side, **values)


def _combined(quadrants: tuple[Quadrant, ...]) -> tuple[Quadrant, ...]:
    """ "Upper" and "outer" of one finding are its upper outer quadrant."""
    words = [quadrant.value for quadrant in quadrants]
    vertical = [word for word in words if word in ("upper", "lower")]
    horizontal = [word for word in words if word in ("outer", "inner")]
    if len(vertical) == 1 and len(horizontal) == 1:
        others = [quadrant for quadrant in quadrants if quadrant.value not in (*vertical, *horizontal)]
        return (Quadrant(f"{vertical[0]}_{horizontal[0]}"), *others)
    return quadrants
