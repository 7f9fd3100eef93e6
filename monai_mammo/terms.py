"""Vocabularies of mammography with their DICOM codes, each declared once.

Words follow the ACR BI-RADS Atlas (5th edition); codes are SNOMED CT as DICOM PS3.16
writes them (CID 4014 for views, CID 6000 for composition). Messages, ``--help`` and the
tests of bad values are made from these classes, so a new value needs one line here.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple, Self, TypeVar

from monai_mammo.errors import RequestError

__all__ = [
    "AcquisitionKind",
    "CalcificationDistribution",
    "CalcificationMorphology",
    "ChestWall",
    "Code",
    "Density",
    "Depth",
    "Finding",
    "FindingCategory",
    "Laterality",
    "Margin",
    "MassDensity",
    "Modality",
    "Pathology",
    "Quadrant",
    "Shape",
    "Split",
    "View",
    "BIRADS_CATEGORIES",
    "BREAST_CODE",
    "birads_code",
    "of_most_concern",
    "parse_birads",
]


class Code(NamedTuple):
    """A coded concept: value, coding scheme designator and meaning (DICOM PS3.3, 8.8).

    Attributes
    ----------
    value : str
        Code value.
    scheme : str
        Coding scheme designator, such as ``SCT``.
    meaning : str
        Code meaning.
    """

    value: str
    scheme: str
    meaning: str


class _Term(StrEnum):
    """A closed vocabulary that parses text and names its allowed values when it cannot."""

    @classmethod
    def noun(cls) -> str:
        """Word for this vocabulary in a message, such as ``finding``."""
        return cls.__name__.lower()

    @classmethod
    def allowed(cls) -> str:
        """All values, separated by commas, for messages and help texts."""
        return ", ".join(member.value for member in cls)

    @classmethod
    def parse(cls, text: object, *, where: str = "") -> Self:
        """Member that a text names, whatever its case and surrounding blanks.

        Parameters
        ----------
        text : object
            Usually a string; members pass through.
        where : str
            Place of the text for the message, such as ``request.csv line 3``.

        Raises
        ------
        RequestError
            The text names no member.
        """
        if isinstance(text, str):  # str(None) would name a finding
            word = text.strip().replace("-", "_").replace(" ", "_").casefold()
            for member in cls:
                if member.value.casefold() == word:
                    return member
        place = f" in {where}" if where else ""
        raise RequestError(f"{cls.noun()} {str(text)[:80]!r}{place} is not one of {cls.allowed()}")


TermT = TypeVar("TermT", bound=_Term)


class Laterality(_Term):
    """Side of the breast, as ``ImageLaterality`` writes it."""

    L = "L"
    R = "R"

    @property
    def code(self) -> Code:
        """SNOMED CT code of the side (CID 244)."""
        return _LATERALITY_CODES[self]


class View(_Term):
    """Projection: cranio-caudal or medio-lateral oblique."""

    CC = "CC"
    MLO = "MLO"

    @property
    def code(self) -> Code:
        """SNOMED CT code of the view (CID 4014)."""
        return _VIEW_CODES[self]


class Modality(_Term):
    """What a breast is shown by, where one picture of it is translated into another."""

    DIGITAL = "digital"
    CONTRAST = "contrast"
    ULTRASOUND = "ultrasound"
    BIOPSY = "biopsy"

    @property
    def kind(self) -> AcquisitionKind | None:
        """Kind of mammogram; `None` for what is none."""
        is_mammogram = self in (Modality.DIGITAL, Modality.CONTRAST)
        return AcquisitionKind(self.value) if is_mammogram else None


class Density(_Term):
    """Breast composition, BI-RADS a to d."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"

    @property
    def code(self) -> Code:
        """SNOMED CT code of the composition (CID 6000)."""
        return _DENSITY_CODES[self]


class AcquisitionKind(_Term):
    """How the picture came about: digitised film, low-energy digital or subtracted contrast."""

    FILM = "film"
    DIGITAL = "digital"
    CONTRAST = "contrast"

    @classmethod
    def noun(cls) -> str:
        """Word for this vocabulary in a message.

        Returns
        -------
        str
        """
        return "kind"


class Finding(_Term):
    """Main category of what a mammogram shows, most telling first.

    The order decides which one counts where an image carries several.
    """

    MASS = "mass"
    CALCIFICATION = "calcification"
    ARCHITECTURAL_DISTORTION = "architectural_distortion"
    ASYMMETRY = "asymmetry"
    NONMASS_ENHANCEMENT = "nonmass_enhancement"
    ENHANCEMENT = "enhancement"
    FOCUS = "focus"
    DUCT = "duct"
    EDEMA = "edema"
    POSTOPERATIVE = "postoperative"
    LYMPH_NODE = "lymph_node"
    NONE = "none"

    @property
    def code(self) -> Code:
        """SNOMED CT code for a segment that outlines such a finding; "Lesion" where there is none of its own."""
        return _FINDING_CODES.get(self, Code("52988006", "SCT", "Lesion"))


class FindingCategory(_Term):
    """What the tables of data sets call a finding: wider than `Finding`, which the networks are conditioned on.

    The words are those of the BI-RADS Atlas (5th ed.) and of the public data sets; one finding may carry several.
    """

    MASS = "mass"
    CALCIFICATION = "calcification"
    ARCHITECTURAL_DISTORTION = "architectural_distortion"
    ASYMMETRY = "asymmetry"
    FOCAL_ASYMMETRY = "focal_asymmetry"
    GLOBAL_ASYMMETRY = "global_asymmetry"
    NONMASS_ENHANCEMENT = "nonmass_enhancement"
    ENHANCEMENT = "enhancement"
    FOCUS = "focus"
    DUCT = "duct"
    EDEMA = "edema"
    POSTOPERATIVE = "postoperative"
    SKIN_THICKENING = "skin_thickening"
    SKIN_RETRACTION = "skin_retraction"
    NIPPLE_RETRACTION = "nipple_retraction"
    SUSPICIOUS_LYMPH_NODE = "suspicious_lymph_node"
    LYMPH_NODE = "lymph_node"
    NONE = "none"

    @classmethod
    def noun(cls) -> str:
        """Word for this vocabulary in a message.

        Returns
        -------
        str
        """
        return "finding category"

    @property
    def finding(self) -> Finding | None:
        """Main category it counts as; `None` for skin and nipple, which are no lesion in the breast."""
        if self in _SKIN_CATEGORIES:
            return None
        return Finding(_MAIN_CATEGORIES.get(self, self.value))

    @property
    def code(self) -> Code:
        """SNOMED CT code (CID 6054, 6056); that of its main category, or "Lesion", where there is none of its own."""
        return _CATEGORY_CODES.get(self, (self.finding or Finding.NONE).code)


class Pathology(_Term):
    """Proven nature of the finding."""

    NORMAL = "normal"
    BENIGN = "benign"
    MALIGNANT = "malignant"


class Shape(_Term):
    """Shape of a mass."""

    OVAL = "oval"
    ROUND = "round"
    IRREGULAR = "irregular"

    @classmethod
    def noun(cls) -> str:
        """Word for this vocabulary in a message.

        Returns
        -------
        str
        """
        return "lesion_shape"

    @property
    def code(self) -> Code:
        """SNOMED CT code of the shape (CID 6004)."""
        return _SHAPE_CODES[self]


class Margin(_Term):
    """Margin of a mass."""

    CIRCUMSCRIBED = "circumscribed"
    OBSCURED = "obscured"
    MICROLOBULATED = "microlobulated"
    INDISTINCT = "indistinct"
    SPICULATED = "spiculated"

    @classmethod
    def noun(cls) -> str:
        """Word for this vocabulary in a message.

        Returns
        -------
        str
        """
        return "lesion_margin"

    @property
    def code(self) -> Code:
        """SNOMED CT code of the margin (CID 6006)."""
        return _MARGIN_CODES[self]


class MassDensity(_Term):
    """Attenuation of a mass beside that of fibroglandular tissue."""

    HIGH = "high"
    EQUAL = "equal"
    LOW = "low"
    FAT_CONTAINING = "fat_containing"

    @classmethod
    def noun(cls) -> str:
        """Word for this vocabulary in a message.

        Returns
        -------
        str
        """
        return "mass density"


class CalcificationMorphology(_Term):
    """Form of calcifications: the typically benign ones first, then those of suspicious morphology."""

    SKIN = "skin"
    VASCULAR = "vascular"
    COARSE = "coarse"
    LARGE_ROD_LIKE = "large_rod_like"
    ROUND = "round"
    PUNCTATE = "punctate"
    RIM = "rim"
    DYSTROPHIC = "dystrophic"
    MILK_OF_CALCIUM = "milk_of_calcium"
    SUTURE = "suture"
    AMORPHOUS = "amorphous"
    COARSE_HETEROGENEOUS = "coarse_heterogeneous"
    FINE_PLEOMORPHIC = "fine_pleomorphic"
    FINE_LINEAR = "fine_linear"

    @classmethod
    def noun(cls) -> str:
        """Word for this vocabulary in a message.

        Returns
        -------
        str
        """
        return "calc_type"

    @property
    def code(self) -> Code:
        """SNOMED CT or DICOM code of the morphology (CID 6010)."""
        return _MORPHOLOGY_CODES[self]


class CalcificationDistribution(_Term):
    """How calcifications lie in the breast."""

    DIFFUSE = "diffuse"
    REGIONAL = "regional"
    GROUPED = "grouped"
    LINEAR = "linear"
    SEGMENTAL = "segmental"

    @classmethod
    def noun(cls) -> str:
        """Word for this vocabulary in a message.

        Returns
        -------
        str
        """
        return "calc_distribution"

    @property
    def code(self) -> Code:
        """SNOMED CT code of the distribution (CID 6012)."""
        return _DISTRIBUTION_CODES[self]


class Quadrant(_Term):
    """Part of the breast, as reports name it; a half where only one direction is said."""

    UPPER_OUTER = "upper_outer"
    UPPER_INNER = "upper_inner"
    LOWER_OUTER = "lower_outer"
    LOWER_INNER = "lower_inner"
    UPPER = "upper"
    LOWER = "lower"
    OUTER = "outer"
    INNER = "inner"
    CENTRAL = "central"
    RETROAREOLAR = "retroareolar"
    AXILLARY_TAIL = "axillary_tail"


class Depth(_Term):
    """Third of the breast between nipple and chest wall."""

    ANTERIOR = "anterior"
    MIDDLE = "middle"
    POSTERIOR = "posterior"


def of_most_concern(values: Iterable[TermT]) -> TermT | None:
    """Last of several words in the order of their vocabulary; `None` where there are none.

    The vocabularies of `Shape`, `Margin` and `CalcificationMorphology` go from what is usually benign to what raises
    most concern, and BI-RADS assesses a finding by the latter.

    Parameters
    ----------
    values : iterable of Shape, Margin, CalcificationMorphology or another vocabulary
        All of one.

    Returns
    -------
    member of the vocabulary, or None
    """
    return max(values, key=lambda value: list(type(value).__members__.values()).index(value), default=None)


class ChestWall(_Term):
    """Edge of the picture at which the chest wall lies."""

    LEFT = "left"
    RIGHT = "right"

    @classmethod
    def noun(cls) -> str:
        """Word for this vocabulary in a message.

        Returns
        -------
        str
        """
        return "chest wall side"


class Split(_Term):
    """Part of a data set, always divided by person; ``external`` never trains nor selects."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"
    EXTERNAL = "external"


BIRADS_CATEGORIES: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
"""BI-RADS assessment categories; 0 means incomplete, 6 known malignancy."""

BREAST_CODE = Code("76752008", "SCT", "Breast")
"""Anatomic region of every mammogram."""


def parse_birads(value: object, *, where: str = "") -> int:
    """BI-RADS assessment category as an integer.

    Parameters
    ----------
    value : object
        A number, or its text.
    where : str
        Place of it, for a message.

    Returns
    -------
    int

    Raises
    ------
    RequestError
        The value is not one of `BIRADS_CATEGORIES`.
    """
    text = str(value).strip()
    if text.isdecimal() and len(text) < 10 and int(text) in BIRADS_CATEGORIES:
        return int(text)
    place = f" in {where}" if where else ""
    allowed = ", ".join(str(category) for category in BIRADS_CATEGORIES)
    raise RequestError(f"birads {text[:80]!r}{place} is not one of {allowed}")


def birads_code(category: int, letter: str = "") -> Code:
    """Code of a BI-RADS assessment, as DICOM's CID 6027 has it.

    Parameters
    ----------
    category : int
        One of `BIRADS_CATEGORIES`.
    letter : str
        ``a``, ``b`` or ``c`` behind category 4, else empty.

    Returns
    -------
    Code

    Raises
    ------
    RequestError
        There is no such assessment.
    """
    assessment = f"{category}{letter.upper()}"
    if assessment not in _BIRADS_CODES:
        raise RequestError(f"birads assessment {assessment!r} is not one of {', '.join(_BIRADS_CODES)}")
    return _BIRADS_CODES[assessment]


_BIRADS_CODES = {
    "0": Code("397138000", "SCT", "0 - Incomplete - Need additional imaging evaluation +/- priors"),
    "1": Code("397140005", "SCT", "1 - Negative"),
    "2": Code("397141009", "SCT", "2 - Benign"),
    "3": Code("397143007", "SCT", "3 - Probably Benign"),
    "4": Code("397144001", "SCT", "4 - Suspicious"),
    "4A": Code("MA.II.A.5.4A", "BI", "4A - Low suspicion"),
    "4B": Code("MA.II.A.5.4B", "BI", "4B - Intermediate suspicion"),
    "4C": Code("MA.II.A.5.4C", "BI", "4C - Moderate suspicion"),
    "5": Code("397145000", "SCT", "5 - Highly suggestive of malignancy"),
    "6": Code("MA.II.A.5.6", "BI", "6 - Known biopsy proven malignancy"),
}
_LATERALITY_CODES = {
    Laterality.L: Code("7771000", "SCT", "Left"),
    Laterality.R: Code("24028007", "SCT", "Right"),
}
_VIEW_CODES = {
    View.CC: Code("399162004", "SCT", "cranio-caudal"),
    View.MLO: Code("399368009", "SCT", "medio-lateral oblique"),
}
_DENSITY_CODES = {
    Density.A: Code("129716005", "SCT", "Almost entirely fat"),
    Density.B: Code("129717001", "SCT", "Scattered fibroglandular densities"),
    Density.C: Code("129718006", "SCT", "Heterogeneously dense"),
    Density.D: Code("129719003", "SCT", "Extremely dense"),
}
_SHAPE_CODES = {
    Shape.OVAL: Code("84360004", "SCT", "Ovoid shape (Oval)"),
    Shape.ROUND: Code("42700002", "SCT", "Round shape"),
    Shape.IRREGULAR: Code("49608001", "SCT", "Irregular"),
}
_MARGIN_CODES = {
    Margin.CIRCUMSCRIBED: Code("129738007", "SCT", "Circumscribed lesion"),
    Margin.OBSCURED: Code("129740002", "SCT", "Obscured lesion"),
    Margin.MICROLOBULATED: Code("129739004", "SCT", "Microlobulated lesion"),
    Margin.INDISTINCT: Code("129741003", "SCT", "Indistinct lesion"),
    Margin.SPICULATED: Code("129742005", "SCT", "Spiculated lesion"),
}
_MORPHOLOGY_CODES = {
    CalcificationMorphology.SKIN: Code("129757003", "SCT", "Calcified skin of breast"),
    CalcificationMorphology.VASCULAR: Code("129759000", "SCT", "Vascular calcification"),
    CalcificationMorphology.COARSE: Code("129749001", "SCT", "Coarse (popcorn-like) calcification"),
    CalcificationMorphology.LARGE_ROD_LIKE: Code("129752009", "SCT", "Large rod-like calcification"),
    CalcificationMorphology.ROUND: Code("129756007", "SCT", "Round shaped calcification"),
    CalcificationMorphology.PUNCTATE: Code("129755006", "SCT", "Punctate calcification"),
    CalcificationMorphology.RIM: Code("129751002", "SCT", "Eggshell calcification"),
    CalcificationMorphology.DYSTROPHIC: Code("129750001", "SCT", "Dystrophic calcification"),
    CalcificationMorphology.MILK_OF_CALCIUM: Code("129753004", "SCT", "Milk of calcium calcification"),
    CalcificationMorphology.SUTURE: Code("129758008", "SCT", "Calcified suture material"),
    CalcificationMorphology.AMORPHOUS: Code("129760005", "SCT", "Amorphous calcification"),
    CalcificationMorphology.COARSE_HETEROGENEOUS: Code("129763007", "SCT", "Heterogeneous calcification"),
    CalcificationMorphology.FINE_PLEOMORPHIC: Code("111344", "DCM", "Fine pleomorphic calcification"),
    CalcificationMorphology.FINE_LINEAR: Code("129762002", "SCT", "Fine linear, branching (casting) calcification"),
}
_DISTRIBUTION_CODES = {
    CalcificationDistribution.DIFFUSE: Code("129764001", "SCT", "Diffuse calcification distribution"),
    CalcificationDistribution.REGIONAL: Code("129767008", "SCT", "Regional calcification distribution"),
    CalcificationDistribution.GROUPED: Code("129766004", "SCT", "Grouped calcification distribution"),
    CalcificationDistribution.LINEAR: Code("129765000", "SCT", "Linear calcification distribution"),
    CalcificationDistribution.SEGMENTAL: Code("129768003", "SCT", "Segmental calcification distribution"),
}
_SKIN_CATEGORIES = frozenset(
    {FindingCategory.SKIN_THICKENING, FindingCategory.SKIN_RETRACTION, FindingCategory.NIPPLE_RETRACTION}
)
_MAIN_CATEGORIES = {
    FindingCategory.FOCAL_ASYMMETRY: "asymmetry",
    FindingCategory.GLOBAL_ASYMMETRY: "asymmetry",
    FindingCategory.SUSPICIOUS_LYMPH_NODE: "lymph_node",
}
_CATEGORY_CODES = {
    FindingCategory.FOCAL_ASYMMETRY: Code("129789007", "SCT", "Focal asymmetric breast tissue"),
    FindingCategory.SKIN_THICKENING: Code("129797000", "SCT", "Skin thickening of breast"),
    FindingCategory.SKIN_RETRACTION: Code("129796009", "SCT", "Skin retraction of breast"),
    FindingCategory.NIPPLE_RETRACTION: Code("271955004", "SCT", "Nipple retraction"),
    FindingCategory.SUSPICIOUS_LYMPH_NODE: Code("127189005", "SCT", "Axillary adenopathy"),
    FindingCategory.EDEMA: Code("79654002", "SCT", "Edema"),
}
_FINDING_CODES = {
    Finding.MASS: Code("4147007", "SCT", "Mass"),
    Finding.CALCIFICATION: Code("129769006", "SCT", "Calcification Cluster"),
    Finding.ARCHITECTURAL_DISTORTION: Code("129792006", "SCT", "Architectural distortion of breast"),
    Finding.ASYMMETRY: Code("129790003", "SCT", "Asymmetric breast tissue"),
}
