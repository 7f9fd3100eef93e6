"""Reading in a process of its own: what crashes, hangs or swells there costs one file."""
