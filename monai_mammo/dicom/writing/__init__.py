"""Mammograms, segmentations, reports and NIfTI files, and what must be true of them."""
