"""Groups of three, an acquired image, its reconstruction, a synthetic image of equal conditions, read by a judge."""
