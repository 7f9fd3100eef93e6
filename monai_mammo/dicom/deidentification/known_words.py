"""Coded concepts and names of makers that say nothing of a person (DICOM PS3.16, CID 244, 4014, 4015, 7203)."""

from __future__ import annotations

from monai_mammo.terms import BREAST_CODE, Code, Laterality

__all__ = [
    "BREASTS",
    "DERIVATIONS",
    "MAKER_PATTERN",
    "MODEL_PATTERN",
    "SIDES",
    "SYNTHESIZING",
    "VIEWS",
    "VIEW_MODIFIERS",
    "VIEW_PATTERN",
]


def _concepts(table: str) -> dict[str, Code]:
    """Codes by value, from lines of a SNOMED CT value, a SNOMED RT value or ``-``, and the meaning."""
    found = {}
    for line in table.strip().splitlines():
        current, old, meaning = line.split(maxsplit=2)
        found[current] = Code(current, "SCT", meaning)
        if old != "-":
            found[old] = Code(old, "SRT", meaning)
    return found


VIEWS = {
    **_concepts("""
        399162004 R-10242 cranio-caudal
        399368009 R-10226 medio-lateral oblique
        399260004 R-10224 medio-lateral
        399352003 R-10228 latero-medial
        399196006 R-10244 caudo-cranial
        399099002 R-10230 latero-medial oblique
        399188001 R-102D0 superolateral to inferomedial oblique
        441555000 R-40AAA inferomedial to superolateral oblique
        399192008 R-1024A cranio-caudal exaggerated laterally
        399101009 R-1024B cranio-caudal exaggerated medially
        127457009 G-8310 tissue specimen from breast
    """),
    "Y-X1770": Code("Y-X1770", "99SDM", "cranio-caudal exaggerated laterally"),
    "Y-X1771": Code("Y-X1771", "99SDM", "cranio-caudal exaggerated medially"),
}
"""Views by code value (CID 4014)."""

VIEW_MODIFIERS = _concepts("""
    399163009 R-102D6 Magnification
    399055006 R-102D7 Spot Compression
    399209000 R-102D5 Implant Displaced
    399110001 R-102C2 tangential
    399161006 R-102D2 Cleavage
    399011000 R-102D1 Axillary Tail
    442580003 R-40AB2 Axillary tissue
    442593008 R-40ABE Infra-mammary fold
    399197002 R-102D3 Rolled Lateral
    399226006 R-102D4 Rolled Medial
    414493004 R-102CA Rolled Inferior
    415670009 R-102C9 Rolled Superior
    442581004 R-40AB3 Nipple in profile
    441752004 P2-00161 Anterior compression
""")
"""View modifiers by code value (CID 4015)."""

SIDES = _concepts("""
    7771000 G-A101 Left
    24028007 G-A100 Right
    51440002 G-A102 Bilateral
    66459002 G-A103 Unilateral
    80248007 T-04030 Left breast
    73056007 T-04020 Right breast
""")
"""Sides by code value (CID 244), and the breasts that old files put in their place."""

BREASTS = {
    **{code.value: code for code in (BREAST_CODE, Laterality.L.code, Laterality.R.code)},
    **_concepts("""
        76752008 T-04000 Breast
        80248007 T-04030 Left breast
        73056007 T-04020 Right breast
    """),
}
"""Anatomic regions by code value."""

DERIVATIONS = {
    value: Code(value, "DCM", meaning)
    for value, meaning in (
        line.strip().split(maxsplit=1)
        for line in """
        113040 Lossy Compression
        113062 Pixel by pixel subtraction
        113076 Segmentation
        113085 Spatial resampling
        113086 Edge enhancement
        113087 Smoothing
        113088 Gaussian blur
        113089 Unsharp mask
        113090 Image stitching
        """.strip().splitlines()
    )
}
"""Derivations by code value (CID 7203), those that a mammogram can have."""

SYNTHESIZING = {"109100": Code("109100", "DCM", "Synthesizing Equipment")}
"""Purpose of reference that marks what synthesised an image (CID 7005)."""

VIEW_PATTERN = (
    r"([LR][ -]?)?[MS]?"
    r"(CC|MLO|ML|LM|LMO|SIO|ISO|FB|XCC|XCCL|XCCM|AT|CV|TAN|SPECIMEN|AP|PA|LL|RL|RLD|LLD|RLO|LLO)"
    r"(ID|R[LMIS])?"
)
"""ViewPosition: an acronym, with a side, magnified or spot before it, implant displaced or rolled behind it."""

MAKER_PATTERN = (
    r"AGFA|CARESTREAM( HEALTH)?|EASTMAN KODAK( COMPANY)?|KODAK|FISCHER( IMAGING( CORPORATION)?)?|"
    r"FUJI ?FILM( CORPORATION|,? ?CO\.?,? ?LTD\.?)?|FUJI PHOTO FILM CO\.,? ?LTD\.?|GE( MEDICAL SYSTEMS| HEALTHCARE)?|"
    r"HOLOGIC(, ?INC\.?)?|LORAD(, A HOLOGIC COMPANY)?|(IMS|I\.M\.S\.)( GIOTTO)?( S\.?[RP]\.?[LA]\.?)?|"
    r"KONICA( ?MINOLTA)?(, INC\.?)?|METALTRONICA|PHILIPS( MEDICAL SYSTEMS| DIGITAL MAMMOGRAPHY SWEDEN AB)?|"
    r"PLANMED( OY)?|SECTRA( IMTEC AB)?|SIEMENS( HEALTHINEERS| HEALTHCARE GMBH)?|TOSHIBA|CANON|MONAI_MAMMO"
)
"""Makers of mammography units; a maker that is missing here costs its name, nothing else."""

MODEL_PATTERN = (
    r"(AFFIRM|AMULET( INNOVALITY)?|FDR MS-?\d{4}|FDR-\d{4}AWS|ASPIRE (CRISTALLE|HD|CLEARIA)|CLASSIC|"
    r"DIRECTVIEW CR ?\d{3}|GIOTTO (CLASS|IMAGE|TOMO)|(LORAD )?SELENIA( DIMENSIONS)?|(SELENIA )?3DIMENSIONS|"
    r"L[35]0|MICRODOSE( SI)?|MAMMOMAT (INSPIRATION|REVELATION|FUSION|NOVATION( DR)?|3000)|"
    r"(PLANMED )?(NUANCE|CLARITY|SOPHIE)( [23]D)?|SENOGRAPHE? ?(2000D|DS|ESSENTIAL|CARE|PRISTINA|CRYSTAL)?|SENOSCAN|"
    r"MAMMO_DIFFUSION|MAMMO_AUTOENCODER)"
    r"( (VERSION )?ADS_\d{1,3}(\.\d{1,3}){0,4})?"
)
"""Models of mammography units, General Electric's with their version."""
