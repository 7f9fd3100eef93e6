"""`python -m monai_mammo`: the command line."""

from __future__ import annotations

import sys

from monai_mammo.cli.main import main

sys.exit(main())
