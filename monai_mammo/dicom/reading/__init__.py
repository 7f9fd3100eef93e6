"""From the bytes of a file to a mammogram, or the reason why there is none; in the process that calls."""
