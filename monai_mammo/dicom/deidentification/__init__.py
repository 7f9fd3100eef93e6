"""Copies of mammograms that name nobody, by a documented list of what is kept."""
