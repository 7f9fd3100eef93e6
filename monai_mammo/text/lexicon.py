"""Words and phrases of mammography reports and what each stands for.

Findings and descriptors follow the BI-RADS Atlas (5th ed.); synonyms are those that reports use, of older editions too.
Phrases are written in lower case with blanks for hyphens; the longest one that fits is taken.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Any

from monai_mammo.terms import (
    AcquisitionKind,
    CalcificationDistribution,
    CalcificationMorphology,
    Density,
    Depth,
    FindingCategory,
    Laterality,
    Margin,
    MassDensity,
    Quadrant,
    Shape,
    View,
)

__all__ = ["LONGEST_PHRASE", "PHRASES", "Part"]


class Part(Enum):
    """Part that a word or phrase plays in a sentence."""

    FINDING = auto()  # value: FindingCategory
    DIAGNOSIS = auto()  # a mass by its diagnosis; value: FindingCategory
    LESION = auto()  # a finding of unstated category
    DESCRIPTOR = auto()  # value: tuple of (field of ReportedFinding, value), the first that fits the finding
    QUADRANT = auto()
    DEPTH = auto()
    SIDE = auto()  # value: Laterality, or None for both
    CLOCK = auto()
    SIZE = auto()
    NIPPLE_DISTANCE = auto()
    DENSITY = auto()
    BIRADS = auto()  # value: (category, letter)
    VIEW = auto()
    KIND = auto()
    AGE = auto()
    PROVEN = auto()
    MALIGNANT = auto()  # an opinion, or the pathology where it is proven
    BENIGN = auto()
    OPINION = auto()
    NEGATION = auto()
    NEGATION_AFTER = auto()  # "is not seen"
    CONTRAST = auto()  # ends a negation: but, however
    THERE = auto()  # "there is": a new clause
    SUGGESTS = auto()
    NORMAL = auto()
    ANATOMY = auto()
    BREAST = auto()  # breast, quadrant and what else follows a place
    HEAD = auto()  # margin, shape: the noun of a descriptor
    AND = auto()
    WITH = auto()
    DEFINITE = auto()
    ANOTHER = auto()
    FURTHER = auto()  # "no other abnormality"
    ADJECTIVE = auto()  # understood, without a condition
    FILLER = auto()
    COMMA = auto()
    END = auto()
    UNKNOWN = auto()


def _words(text: str) -> list[str]:
    return [phrase.strip() for phrase in text.split(",") if phrase.strip()]


PHRASES: dict[tuple[str, ...], tuple[Part, Any]] = {}
"""Words of each phrase, its part and its value."""


def _put(part: Part, phrases: str, value: Any = None) -> None:
    for phrase in _words(phrases):
        entry = PHRASES.setdefault(tuple(phrase.split()), (part, value))
        if entry != (part, value):
            raise ValueError(f"phrase {phrase!r} stands for {entry} and {(part, value)}")


_FINDINGS = {
    FindingCategory.MASS: "mass, masses, mass lesion, mass lesions, nodule, nodules, nodular density, nodular "
    "densities, "
    "nodular opacity, nodular opacities, opacity, opacities, soft opacity, soft opacities, soft tissue opacity, "
    "soft tissue opacities, soft tissue density, soft tissue densities, soft tissue mass, soft tissue lesion, "
    "soft tissue nodule, density, densities, tumor, tumors, tumour, tumours, lump, lumps, space occupying lesion, "
    "mass like density, masslike density, radiopacity, dense lesion",
    FindingCategory.CALCIFICATION: "calcification, calcifications, microcalcification, microcalcifications, "
    "micro calcification, micro calcifications, macrocalcification, macrocalcifications, macro calcification, "
    "macro calcifications, calcs, microcalcs, calcific density, calcific densities, calcific foci, calcific focus, "
    "calcified, "
    "calcium deposits",
    FindingCategory.ARCHITECTURAL_DISTORTION: "architectural distortion, architectural distortions, distortion, "
    "distortions, parenchymal distortion, distortion of architecture, distortion of the architecture, "
    "architecture distortion",
    FindingCategory.ASYMMETRY: "asymmetry, asymmetries, asymmetric density, asymmetrical density, asymmetric tissue, "
    "asymmetric breast tissue, developing asymmetry, asymmetric opacity, one view asymmetry",
    FindingCategory.FOCAL_ASYMMETRY: "focal asymmetry, focal asymmetries, focal asymmetric density, focal density, "
    "focal asymmetrical density",
    FindingCategory.GLOBAL_ASYMMETRY: "global asymmetry, global asymmetries",
    FindingCategory.NONMASS_ENHANCEMENT: "non mass enhancement, nonmass enhancement, non mass like enhancement, nme",
    FindingCategory.ENHANCEMENT: "enhancement",
    FindingCategory.FOCUS: "enhancing focus, focus of enhancement, foci of enhancement, enhancing foci",
    FindingCategory.DUCT: "dilated duct, dilated ducts, solitary dilated duct, duct ectasia, ductal ectasia, "
    "asymmetric duct",
    FindingCategory.EDEMA: "edema, oedema, trabecular thickening, breast edema",
    FindingCategory.POSTOPERATIVE: "postoperative change, postoperative changes, post operative changes, "
    "post operative change, postsurgical change, postsurgical changes, post surgical changes, post surgical change, "
    "surgical scar, scar, lumpectomy bed, lumpectomy scar, lumpectomy site, postoperative scar",
    FindingCategory.SKIN_THICKENING: "skin thickening, thickening of the skin, thickened skin",
    FindingCategory.SKIN_RETRACTION: "skin retraction, retraction of the skin",
    FindingCategory.NIPPLE_RETRACTION: "nipple retraction, retraction of the nipple, retracted nipple, "
    "nipple inversion, inverted nipple",
    FindingCategory.SUSPICIOUS_LYMPH_NODE: "adenopathy, axillary adenopathy, lymphadenopathy, axillary "
    "lymphadenopathy, "
    "enlarged axillary lymph node, enlarged axillary lymph nodes, enlarged lymph node, enlarged lymph nodes, "
    "suspicious lymph node, suspicious lymph nodes, suspicious axillary lymph node, suspicious axillary lymph nodes, "
    "enlarged axillary nodes, abnormal axillary lymph nodes",
    FindingCategory.LYMPH_NODE: "lymph node, lymph nodes, intramammary lymph node, intramammary lymph nodes, "
    "intramammary node, intramammary nodes, axillary lymph node, axillary lymph nodes, axillary nodes, axillary node, "
    "nodes, node",
}
for _category, _phrases in _FINDINGS.items():
    _put(Part.FINDING, _phrases, _category)
_put(
    Part.DIAGNOSIS,
    "fibroadenoma, fibroadenomas, cyst, cysts, oil cyst, oil cysts, lipoma, hamartoma, galactocele, phyllodes tumor, "
    "phyllodes tumour, papilloma",
    FindingCategory.MASS,
)
_put(Part.LESION, "lesion, lesions, abnormality, abnormalities, finding, findings, focal lesion, focal lesions")

_DESCRIPTORS: dict[tuple[tuple[str, Any], ...], str] = {
    (
        ("shape", Shape.OVAL),
    ): "oval, ovoid, lobulated, lobular, macrolobulated, gently lobulated, elliptical, oval shaped, ellipsoid, bilobed",
    (
        ("shape", Shape.ROUND),
        ("morphologies", CalcificationMorphology.ROUND),
    ): "round, rounded, spherical, round shaped",
    (("shape", Shape.IRREGULAR),): "irregular, irregularly shaped, irregular shaped",
    (
        ("margins", Margin.CIRCUMSCRIBED),
    ): "circumscribed, well circumscribed, well defined, sharply defined, well marginated, "
    "smooth, smoothly marginated, sharply marginated, welldefined, clearly defined",
    (("margins", Margin.OBSCURED),): "obscured, partially obscured, partly obscured",
    (("margins", Margin.MICROLOBULATED),): "microlobulated, micro lobulated",
    (("margins", Margin.INDISTINCT), ("morphologies", CalcificationMorphology.AMORPHOUS)): "indistinct",
    (("margins", Margin.INDISTINCT),): "ill defined, poorly defined, illdefined, vague, hazy, blurred, fuzzy, "
    "poorly marginated, ill marginated, poorly circumscribed, ill circumscribed",
    (("margins", Margin.SPICULATED),): "spiculated, spiculate, speculated, spicules, spiculations, "
    "spiculation, stellate, spiky",
    (("mass_density", MassDensity.HIGH),): "high density, hyperdense, dense, very dense, radiodense",
    (("mass_density", MassDensity.EQUAL),): "equal density, isodense, iso dense",
    (("mass_density", MassDensity.LOW),): "low density, hypodense",
    (("mass_density", MassDensity.FAT_CONTAINING),): "fat containing, fat density, radiolucent, lucent",
    (("morphologies", CalcificationMorphology.SKIN),): "skin, dermal, cutaneous, lucent centered, lucent centred",
    (("morphologies", CalcificationMorphology.VASCULAR),): "vascular, arterial, tram track",
    (("morphologies", CalcificationMorphology.COARSE),): "coarse, popcorn, popcorn like",
    (("morphologies", CalcificationMorphology.LARGE_ROD_LIKE),): "large rod like, rod like, secretory, rod shaped",
    (("morphologies", CalcificationMorphology.PUNCTATE),): "punctate",
    (("morphologies", CalcificationMorphology.RIM),): "rim, eggshell, egg shell",
    (("morphologies", CalcificationMorphology.DYSTROPHIC),): "dystrophic",
    (("morphologies", CalcificationMorphology.MILK_OF_CALCIUM),): "milk of calcium, layering, tea cup, teacup",
    (("morphologies", CalcificationMorphology.SUTURE),): "suture, sutural",
    (("morphologies", CalcificationMorphology.AMORPHOUS),): "amorphous, powdery",
    (("morphologies", CalcificationMorphology.COARSE_HETEROGENEOUS),): "coarse heterogeneous",
    (("morphologies", CalcificationMorphology.FINE_PLEOMORPHIC),): "pleomorphic, fine pleomorphic, finely pleomorphic",
    (("morphologies", CalcificationMorphology.FINE_LINEAR),): "fine linear, fine linear branching, branching, "
    "linear branching, casting, fine branching",
    (("distribution", CalcificationDistribution.DIFFUSE),): "diffuse, diffusely, scattered, diffusely scattered, "
    "diffuse scattered",
    (("distribution", CalcificationDistribution.REGIONAL),): "regional, regionally",
    (("distribution", CalcificationDistribution.GROUPED),): "grouped, clustered, cluster, clusters, group, groups, "
    "cluster of, clusters of, group of, groups of, grouping of",
    (("distribution", CalcificationDistribution.LINEAR),): "linear, linearly",
    (("distribution", CalcificationDistribution.SEGMENTAL),): "segmental, segmentally",
}
for _fields, _phrases in _DESCRIPTORS.items():
    _put(Part.DESCRIPTOR, _phrases, _fields)

_VERTICAL = {"upper": "upper", "superior": "upper", "lower": "lower", "inferior": "lower"}
_HORIZONTAL = {"outer": "outer", "lateral": "outer", "inner": "inner", "medial": "inner"}
for _word, _value in {**_VERTICAL, **_HORIZONTAL}.items():
    _put(Part.QUADRANT, _word, Quadrant(_value))
for _v, _vertical in _VERTICAL.items():
    for _h, _horizontal in _HORIZONTAL.items():
        _put(Part.QUADRANT, f"{_v} {_h}, {_h} {_v}", Quadrant(f"{_vertical}_{_horizontal}"))
for _v, _vertical in {"supero": "upper", "infero": "lower"}.items():
    for _h, _horizontal in {"lateral": "outer", "medial": "inner"}.items():
        _put(Part.QUADRANT, f"{_v}{_h}, {_v} {_h}", Quadrant(f"{_vertical}_{_horizontal}"))
for _short, _value in {"uo": "upper_outer", "ui": "upper_inner", "lo": "lower_outer", "li": "lower_inner"}.items():
    _put(Part.QUADRANT, f"{_short}q, {_short} quadrant", Quadrant(_value))
_put(Part.QUADRANT, "central, centrally, mid central, center, centre", Quadrant.CENTRAL)
_put(
    Part.QUADRANT,
    "retroareolar, retro areolar, subareolar, sub areolar, periareolar, retromamillary, behind the nipple, retro "
    "mamillary, "
    "beneath the nipple, subareolar",
    Quadrant.RETROAREOLAR,
)
_put(Part.QUADRANT, "axillary tail, tail of spence, axillary tail of spence", Quadrant.AXILLARY_TAIL)
_DEPTH_NOUNS = ("depth", "third", "part", "parts", "aspect")
for _stem, _depth in {
    "anterior": Depth.ANTERIOR,
    "superficial": Depth.ANTERIOR,
    "middle": Depth.MIDDLE,
    "mid": Depth.MIDDLE,
    "posterior": Depth.POSTERIOR,
    "deep": Depth.POSTERIOR,
}.items():
    _put(Part.DEPTH, ", ".join(f"{_stem} {_noun}" for _noun in _DEPTH_NOUNS), _depth)
_put(Part.DEPTH, "anterior, anteriorly", Depth.ANTERIOR)
_put(Part.DEPTH, "middle, mid depth", Depth.MIDDLE)
_put(Part.DEPTH, "posterior, posteriorly, prepectoral, close to the chest wall, near the chest wall", Depth.POSTERIOR)
_put(Part.SIDE, "left, lt, left sided, left side", Laterality.L)
_put(Part.SIDE, "right, rt, right sided, right side", Laterality.R)
_put(Part.SIDE, "bilateral, bilaterally, both breasts, both sides, each breast, left and right, right and left", None)

_put(
    Part.DENSITY,
    "almost entirely fat, almost entirely fatty, entirely fat, entirely fatty, predominantly fatty, predominantly fat, "
    "fatty breast, fatty breasts, fatty replaced, fatty, mostly fat, mostly fatty, nearly all fat, almost all fat, "
    "almost completely fatty, fatty breast tissue",
    Density.A,
)
_put(
    Part.DENSITY,
    ", ".join(
        f"scattered {_of}fibroglandular {_what}"
        for _of in ("", "areas of ")
        for _what in ("density", "densities", "tissue", "elements", "tissues", "opacities")
    )
    + ", scattered fibroglandular, scattered density, scattered densities, scattered fibroglandular breast tissue",
    Density.B,
)
_put(
    Part.DENSITY,
    "heterogeneously dense, heterogenously dense, heterogeneous dense, heterogeneously dense tissue",
    Density.C,
)
_put(Part.DENSITY, "extremely dense, extreme density, extremely dense tissue, homogeneously dense", Density.D)
_put(Part.VIEW, "cc, craniocaudal, cranio caudal, craniocaudad", View.CC)
_put(Part.VIEW, "mlo, mediolateral oblique, medio lateral oblique, oblique", View.MLO)
_put(
    Part.KIND,
    "contrast enhanced, cem, cesm, contrast mammogram, contrast mammography, subtracted, recombined, "
    "contrast enhanced mammogram, contrast enhanced mammography, contrast enhanced spectral mammography",
    AcquisitionKind.CONTRAST,
)
_put(
    Part.KIND,
    "digital, ffdm, full field digital, digital mammogram, digital mammography, full field digital mammography, "
    "full field digital mammogram, low energy, digital image",
    AcquisitionKind.DIGITAL,
)
_put(
    Part.KIND,
    "film, screen film, digitised film, digitized film, film screen, film mammogram, screen film mammography, "
    "screen film mammogram, film mammography, analog, analogue",
    AcquisitionKind.FILM,
)

_put(Part.PROVEN, "proven, known, confirmed, biopsied, diagnosed")
_put(
    Part.MALIGNANT,
    "malignant, malignancy, malignancies, cancer, carcinoma, neoplasm, dcis, idc, ilc, carcinoma in situ, breast "
    "cancer, "
    "invasive ductal carcinoma, invasive lobular carcinoma, ductal carcinoma in situ, invasive carcinoma, ductal "
    "carcinoma",
)
_put(Part.BENIGN, "benign, benignity")
_put(
    Part.OPINION,
    "suspicious, suspicion, suspect, suspected, highly suggestive, worrisome, concerning, probably, likely, possible, "
    "possibly, probable, typically, indeterminate, benign looking, benign appearing, benign type, intermediate, "
    "cannot exclude, "
    "cannot be excluded, questionable, low suspicion, moderate suspicion, high suspicion, suspicious looking, "
    "suspicious appearing, characteristically, typical, abnormal, atypical, significant, malignant looking, dominant, "
    "discrete, "
    "low suspicious, moderate suspicious, moderately suspicious, high suspicious, highly suspicious, mildly suspicious",
)
_put(
    Part.NEGATION,
    "no, without, no evidence of, without evidence of, no mammographic evidence of, no sign of, no signs of, absence "
    "of, "
    "negative for, free of, neither, nor, no convincing evidence of, no definite, without any, without any evidence "
    "of, "
    "no evidence for, no radiographic evidence of, not associated with, lack of, no suggestion of",
)
_put(
    Part.NEGATION_AFTER,
    "not seen, not identified, not present, not visible, not detected, not demonstrated, not visualized, not "
    "visualised, absent, "
    "not evident, no longer seen, no longer visible, no longer present, not noted, not appreciated, ruled out, not "
    "found, "
    "not observed, has resolved, have resolved",
)
_put(Part.CONTRAST, "but, however, although, though, except, whereas, while, otherwise, yet, apart from, other than")
_put(
    Part.THERE,
    "there is, there are, there is also, there are also, is there, shows, show, demonstrates, demonstrate, reveals, "
    "reveal, "
    "contains",
)
_put(
    Part.SUGGESTS,
    "suggest, suggests, suggesting, suggestive of, consistent with, compatible with, in keeping with, representing, "
    "represents, represent, favored to represent, may represent, suspicious for, concerning for, worrisome for, "
    "highly suggestive of, suggestive for, most likely, likely representing, likely represents, diagnostic of, "
    "highly suspicious for, suspected to be, favoring, favouring, typical of, typical for, likely a, likely an, "
    "probably a, "
    "probably an",
)
_put(Part.NORMAL, "normal, unremarkable, negative, healthy, clear, within normal limits, normal appearing, intact")
_put(
    Part.ANATOMY,
    "nipple, nipples, areola, pectoral muscle, pectoralis muscle, pectoral muscles, axilla, axillae, muscle, nipple "
    "areolar complex, "
    "skin and nipple, skin nipple, skin and nipples, skin and nipple areolar complex, the skin, skin appears, skin "
    "appear, skin is",
)
_put(
    Part.BREAST,
    "breast, breasts, quadrant, quadrants, half, hemisphere, region, aspect, part, parts, portion, position, third, "
    "depth, "
    "area, side, axis, mammogram, mammograms, mammography, view, views, projection, projections, study, "
    "examination, exam, image, images, picture, parenchyma, screening mammogram, diagnostic mammogram, o'clock "
    "position",
)
_put(
    Part.HEAD,
    "margin, margins, marginated, border, borders, edge, edges, shape, shaped, contour, contours, outline, morphology, "
    "distribution, distributed, density of, internal",
)
_put(Part.AND, "and, or, as well as, plus, along with, together with, and also")
_put(
    Part.WITH,
    "with, with associated, and associated, containing, associated with, accompanied by, with internal, causing, "
    "with underlying, with accompanying, having, with some, with a few, with few, with adjacent",
)
_put(Part.DEFINITE, "the, this, that, these, those, its, their, said, previously described, previously noted")
_put(Part.ANOTHER, "another, second, third mass, additional, a second, an additional, also a, also an, further")
_put(Part.FURTHER, "other")
_put(
    Part.ADJECTIVE,
    "small, large, tiny, minute, few, several, multiple, numerous, one, two, three, four, single, solitary, new, "
    "stable, subtle, "
    "prominent, innumerable, a few, about, approximately, approx, faint, obvious, big, sizable, sizeable, partially, "
    "partly, mostly, predominantly, mildly, focal, enhancing, palpable, foci of, focus of, foci, old, fine, bigger, "
    "larger, "
    "smaller, associated, adjacent, underlying, nonpalpable, non palpable, unchanged, developing, persistent, "
    "noncalcified, non calcified, "
    "isolated, loosely, tightly, some, many, couple of, a couple of, visible, homogeneous, mammographic, primary, "
    "main, any, "
    "scattered foci of, multiple foci of, irregular foci of, gently, very, rather, somewhat, classic, classically, "
    "common, definite",
)
_put(
    Part.FILLER,
    "a, an, in, at, of, on, to, is, are, was, were, be, been, being, has, have, had, it, seen, noted, identified, "
    "present, visualized, visualised, observed, demonstrated, detected, located, lying, lies, situated, measuring, "
    "measures, "
    "measure, measured, size, sized, in size, diameter, in diameter, greatest, maximum, maximal, dimension, "
    "dimensions, by, "
    "from the nipple, from nipple, fn, clock, o'clock, oclock, position of, at the, in the, of the, which, within, "
    "involving, appear, "
    "appears, appearing, appearance, looks, looking, female, woman, patient, year, years, for, as, remainder, rest, "
    "remaining, "
    "impression, conclusion, assessment, final assessment, category, birads, bi rads, recommendation, history, "
    "comparison, "
    "technique, indication, composition, breast composition, tissue, tissues, breast tissue, breast density, "
    "parenchymal pattern, "
    "pattern, parenchymal, glandular, fibroglandular, fibroglandular tissue, fibro fatty, fibrofatty, fibro fatty and "
    "glandular, "
    "fibro fatty with scattered glandular, predominantly fibro fatty with scattered glandular, breast parenchyma, "
    "glandular breast parenchyma, glandular parenchyma, type, acr, in appearance, extending, extends, extent, "
    "spanning, span, total, overall, both, through, throughout, seen on, seen in, best seen, only, level, along, "
    "around, "
    "mediolateral, screening, diagnostic, no change, no interval change, no significant change, not significantly "
    "changed, "
    "no significant interval change, since, prior, compared, previous, interval, up to, roughly, "
    "biopsy recommended, biopsy is recommended, recommended, routine, follow up, annual, short interval, biopsy, "
    "histologically, "
    "pathologically, cytologically, tissue diagnosis, core, needle, core needle, show no, corresponding, correlate, "
    "sites, site, "
    "composed, consists, entirely, made, up, towards, toward, near, close, just, also, again, additionally, well, "
    "clinically, "
    "mammographically, radiologically, correspond, corresponds, correlates, findings are, arranged, arrangement, lump "
    "felt, "
    "scatter, visibly, please, generate, synthetic, show me, draw, make, want, case, example, aged, age, "
    "one view only, seen only, depicted, found, contained, they, he, she, i, we, who, where, per, noted in, "
    "occupying, type of, "
    "characterised, characterized, described, typed, feature, features, may, might, could, would, should, can, other "
    "findings, "
    "spread, spreads, throughout the, zone, location, distance, over, between, into, whole, entire, lesser, sub, "
    "individual, "
    "lower likelihood, axillary, intramammary, then, same, such, lies in, evaluation, evaluated, limits, lowers, "
    "sensitivity, "
    "sensitivity of, may obscure small masses, which may obscure small masses, obscure small masses, "
    "areas, areas of, either, either breast, which lowers the sensitivity of mammography, projected, projecting, "
    "overlying, clinical, mammo, x ray, radiograph",
)
_put(Part.AND, "and")

LONGEST_PHRASE = max(map(len, PHRASES))
"""Words of the longest phrase."""
