"""Files as they lie on a disk: written whole or not at all, their sha256, pictures in and out.

Below all rooms that read or write. What needs numpy, `monai_mammo.files.png`, is imported from its module.
"""

from __future__ import annotations

from monai_mammo.files.digest import bytes_sha256, file_sha256
from monai_mammo.files.folder_lock import folder_lock
from monai_mammo.files.output_folder import check_output_folder, contents
from monai_mammo.files.parts import join_parts, split_file
from monai_mammo.files.whole import is_partial, open_whole, save_bytes, save_text

__all__ = [
    "bytes_sha256",
    "check_output_folder",
    "contents",
    "file_sha256",
    "folder_lock",
    "is_partial",
    "join_parts",
    "open_whole",
    "save_bytes",
    "save_text",
    "split_file",
]
