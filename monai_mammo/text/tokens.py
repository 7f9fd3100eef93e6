"""The text of a report as tokens: numbers with their units first, then the longest phrases of the lexicon."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Callable
from typing import Any

from monai_mammo.terms import Density, Laterality, View
from monai_mammo.text.lexicon import LONGEST_PHRASE, PHRASES, Part

__all__ = ["Token", "tokens_of"]


@dataclasses.dataclass(frozen=True, slots=True)
class Token:
    """A word, phrase, number or punctuation of a text.

    Parameters
    ----------
    part : Part
    value : object
        What it stands for, by its part.
    text : str
        As written.
    """

    part: Part
    value: Any
    text: str


_NUMBER = r"\d{1,4}(?:[.,]\d{1,3})?"
_UNIT = r"(?:mm|cm|millimet(?:er|re)s?|centimet(?:er|re)s?)"
_GRADE = r"(?:[0-6]|iv|v|vi|i{1,3})"
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6}
_LEAD = (
    r"(?:(?:final|assessment|category|categories|cat|score|grade|class|classification|code|is|of|type)\b\.?|[\s:=-])*"
)
_DENSITY_LETTER = r"(?P<letter>[b-d]|(?-i:A)|a(?=\s*(?:[.,;:)]|$)))\b"


def _birads(match: re.Match[str]) -> Any:
    grade = match["grade"].lower()
    number = _ROMAN[grade] if grade in _ROMAN else int(grade)
    letter = (match["sub"] or "").lower()
    return (number, letter) if number == 4 or not letter else None


def _density(match: re.Match[str]) -> Any:
    return Density(match["letter"].upper())


def _density_number(match: re.Match[str]) -> Any:
    number = match["number"].lower()
    return tuple(Density)[(_ROMAN.get(number) or int(number)) - 1]


def _mm(match: re.Match[str]) -> Any:
    sizes = [float(number.replace(",", ".")) for number in re.findall(_NUMBER, match[0])]
    factor = 10.0 if re.search("c", match[0], re.IGNORECASE) else 1.0
    return round(max(sizes) * factor, 3)


def _clock(match: re.Match[str]) -> Any:
    first = int(match["first"]) + int(match["minutes"] or 0) / 60
    second = int(match["second"]) if match["second"] else first
    if not (1 <= first < 13 and 1 <= second < 13):
        return None
    if abs(first - second) > 6:
        first, second = (first + 12, second) if first < second else (first, second + 12)
    middle = (first + second) / 2
    return middle - 12 if middle >= 13 else middle


def _age(match: re.Match[str]) -> Any:
    years = int(match["age"])
    return years if years <= 120 else None


def _view(match: re.Match[str]) -> Any:
    return Laterality(match["side"].upper()), View(match["view"].upper())


def _sided_quadrant(match: re.Match[str]) -> Any:
    return Laterality(match["side"].upper()), PHRASES[(match["quadrant"].lower(),)][1]


_ENTITIES: tuple[tuple[Part, re.Pattern[str], Callable[[re.Match[str]], Any]], ...] = tuple(
    (part, re.compile(pattern, 0 if part is Part.SIDE else re.IGNORECASE), value)
    for part, pattern, value in (
        (
            Part.DENSITY,
            r"\b(?:acr|bi[\s-]?rads)?\s*-?(?:breast\s+)?(?:tissue\s+)?(?:acr|density|composition)\b[®\s]*"
            r"(?:(?:category|type|class|grade|is|of)\b|[\s:=-])*" + _DENSITY_LETTER,
            _density,
        ),
        (Part.DENSITY, r"\bbi[\s-]?rads\b[®\s]*(?:(?:category|type|density)\b|[\s:=-])*(?P<letter>[a-d])\b", _density),
        (Part.DENSITY, r"\b(?:type|category)\s+(?P<letter>[a-d])\b(?:\s+(?:density|breasts?|parenchyma))?", _density),
        (
            Part.DENSITY,
            r"\b(?:breast\s+)?(?:acr\s+)?(?:density|composition)\b(?:(?:category|type|class|grade|is|of)\b|[\s:=-])*"
            rf"(?P<number>[1-4]|iv|i{{1,3}})\b(?!\s*[-x.,]?\s*\d*\s*{_UNIT})",
            _density_number,
        ),
        (
            Part.BIRADS,
            rf"\bbi[\s-]?rads\b[®™\s]*{_LEAD}(?P<grade>{_GRADE})\s?-?(?P<sub>[abc])?\b",
            _birads,
        ),
        (
            Part.BIRADS,
            rf"\b(?:assessment|category|cat\.)[\s:=-]*(?:category)?\s*(?P<grade>{_GRADE})(?P<sub>[abc])?\b",
            _birads,
        ),
        (Part.BIRADS, r"\b(?P<grade>4)(?P<sub>[abc])\b", _birads),
        (
            Part.CLOCK,
            r"\b(?P<first>\d{1,2})(?::(?P<minutes>[0-5]\d))?\s*(?:(?:-|to)\s*(?P<second>\d{1,2})\s*)?-?o\s?['`]?\s?-?clock\b",
            _clock,
        ),
        (Part.CLOCK, r"\b(?P<first>1[0-2]|[1-9]):(?P<minutes>00|15|30|45)(?P<second>(?!))?(?:\s+position)?", _clock),
        (
            Part.NIPPLE_DISTANCE,
            rf"\b{_NUMBER}\s*-?{_UNIT}\s*(?:(?:away\s+)?from\s+(?:the\s+)?nipple|(?:posterior|deep)\s+to\s+the\s+nipple|fn)\b",
            _mm,
        ),
        (
            Part.SIZE,
            rf"\b{_NUMBER}\s*-?(?:{_UNIT})?(?:\s*(?:x|×|\*|by|to|-)\s*{_NUMBER}\s*-?(?:{_UNIT})?)*(?<=[a-z])(?<!x)(?<!by)(?<!to)\b",
            _mm,
        ),
        (Part.AGE, r"\b(?P<age>\d{1,3})[\s-]*(?:years?|yrs?|y)[\s/.-]*(?:of\s+age|old|o)\b", _age),
        (Part.AGE, r"\bage(?:d)?\s*:?\s*(?P<age>\d{1,3})\b(?!\s*\d)", _age),
        (Part.VIEW, r"\b(?P<side>[lr])[\s-]?(?P<view>mlo|cc)\b", _view),
        (Part.QUADRANT, r"\b(?P<side>[lr])(?P<quadrant>uoq|uiq|loq|liq)\b", _sided_quadrant),
        (Part.SIDE, r"\b(?P<side>[LR])\b(?!')", lambda match: Laterality(match["side"])),
    )
)
_WORD = re.compile(r"[A-Za-zÀ-ÿ]+(?:'[A-Za-z]+)?|\d+(?:[.,:/]\d+)*[A-Za-z]*")
_ENUMERATOR = re.compile(r"(?:^|(?<=[\n.;:]))\s*\(?\d{1,2}[.)](?=\s)")


def tokens_of(text: str) -> list[Token]:
    """Tokens of a text in its order; what is not known has the part ``UNKNOWN``.

    Parameters
    ----------
    text : str
        Words as they stand.

    Returns
    -------
    list of Token
    """
    plain = unicodedata.normalize("NFKC", text)
    plain = re.sub("[‐‑‒–—−]", "-", plain).replace("’", "'").replace("‘", "'").replace("´", "'")
    plain = re.sub(r"\bw/o\b", "without", plain)
    plain = re.sub(r"\bw/", "with ", plain)
    plain = re.sub(r"\b(approx|ca|cat|max)\.", r"\1 ", plain, flags=re.IGNORECASE)
    plain = _ENUMERATOR.sub(lambda match: " " * len(match[0]), plain)
    return _phrases(_atoms(plain))


def _atoms(text: str) -> list[Token]:
    """Numbers with units, single words and punctuation."""
    out: list[Token] = []
    at = 0
    while at < len(text):
        found = _entity(text, at)
        if found:
            token, at = found
            out += token
        elif word := _WORD.match(text, at):
            out.append(Token(Part.UNKNOWN, None, word[0]))
            at = word.end()
        else:
            sign = text[at]
            if sign in ",(/&+":
                out.append(Token(Part.AND if sign in "/&+" else Part.COMMA, None, sign))
            elif sign in ".;\n!?":
                out.append(Token(Part.END, None, sign))
            at += 1
    return out


def _entity(text: str, at: int) -> tuple[list[Token], int] | None:
    if not text[at].isalnum() or (at and text[at - 1].isalnum()):
        return None
    for part, pattern, value_of in _ENTITIES:
        match = pattern.match(text, at)
        if not match or not match[0].strip():
            continue
        value = value_of(match)
        if value is None or (part is Part.SIZE and not re.search(_UNIT, match[0], re.IGNORECASE)):
            continue
        if isinstance(value, tuple) and isinstance(value[0], Laterality):
            side, second = value
            return [Token(Part.SIDE, side, match["side"]), Token(part, second, match[0][1:])], match.end()
        return [Token(part, value, match[0])], match.end()
    return None


def _phrases(atoms: list[Token]) -> list[Token]:
    """Longest phrases of the lexicon in place of their words."""
    words = [atom.text.lower() if atom.part is Part.UNKNOWN else "" for atom in atoms]
    out: list[Token] = []
    at = 0
    while at < len(atoms):
        for length in range(min(LONGEST_PHRASE, len(atoms) - at), 0, -1):
            known = PHRASES.get(tuple(words[at : at + length]))
            if known and all(words[at : at + length]):
                part, value = known
                out.append(Token(part, value, " ".join(atom.text for atom in atoms[at : at + length])))
                break
        else:
            length = 1
            out.append(atoms[at])
        at += length
    return out
