"""Whether acquired images are like those that a generator was trained on, by a summary that its bundle carries."""
