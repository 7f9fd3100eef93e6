"""From files to the array contract: reading, cleaning, cropping, splits and the prepared folder.

Names resolve on first use (PEP 562), since the MONAI transforms cost seconds to import.
"""

from __future__ import annotations

from monai_mammo.callable_package import make_callable
from monai_mammo.lazy_names import lazy_names

_HOMES = {
    "CHAIN_VERSION": "array",
    "PreparedMammogram": "array",
    "breast_mask": "breast",
    "chest_wall_side": "breast",
    "prepare_mammogram": "array",
    "LoadMammogramd": "dictionary",
    "PrepareMammogramd": "dictionary",
    "RestoreMammogramd": "dictionary",
    "trace_of": "dictionary",
    "Trace": "geometry",
    "box_from_xywh": "geometry",
    "box_of_mask": "geometry",
    "as_displayed": "geometry",
    "mask_of_box": "geometry",
    "LocatedBreast": "array",
    "locate_breast": "array",
    "DEFAULT_SHAPE": "grid",
    "mirror": "geometry",
    "mirror_box": "geometry",
    "resize": "geometry",
    "PreparedFolder": "datalist",
    "CachedImage": "cache",
    "Patch": "cache",
    "open_cached": "cache",
    "DATASETS": "datasets",
    "DoctorReport": "inspection.doctor_report",
    "doctor": "inspection.examine",
    "FileOutcome": "prepare_report",
    "PrepareReport": "prepare_report",
    "prepare": "preparation",
    "breast_of": "datalist_items",
    "half_of_persons": "datalist_items",
    "lesion_free_repeated": "datalist_items",
    "load_datalist": "datalist_items",
    "load_items": "datalist_items",
    "outlined_items": "datalist_items",
    "pack_prepared": "packed",
    "unpack_prepared": "packed",
    "image_files": "mammogram_files",
    "ReadableFiles": "readable_files",
    "native_items": "native_crops",
    "ViewPair": "same_breast",
    "pair_items": "same_breast",
    "painter_items": "native_crops",
    "view_pairs": "same_breast",
    "phantom_items": "drawn_items",
    "training_items": "drawn_items",
    "FileReader": "reading",
    "Sidecar": "sidecar",
    "read_any": "reading",
    "split_of": "splits",
    "splits_of_persons": "splits",
    "relabel": "relabelling",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy_names(__name__, _HOMES)

make_callable(__name__, "preparation")  # `monai_mammo.prepare` is a room and a command
