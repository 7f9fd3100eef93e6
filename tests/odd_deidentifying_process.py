"""A de-identifying process that ends or hangs at files of certain names, as foreign decoders do on hostile bytes."""

from __future__ import annotations

import os
import signal
import time

from monai_mammo.dicom.deidentification.deidentifying_process import deidentify_to
from monai_mammo.dicom.process.worker_process import main as serve


def deidentify(path, **options):
    """Like `deidentify_to`, but for files with ``segfault`` or ``hang`` in their names."""
    if "segfault" in path.name:
        os.kill(os.getpid(), signal.SIGSEGV)
    if "hang" in path.name:
        time.sleep(600)
    if "escape" in path.name:
        return {**deidentify_to(path, **options), "sop_instance_uid": "../../2.25.1"}
    return deidentify_to(path, **options)


def main():
    """Serve until standard input ends."""
    serve(deidentify)
