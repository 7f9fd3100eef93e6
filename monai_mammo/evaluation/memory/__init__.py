"""What weights remember: planted copies that must be found, and whether losses tell who was trained on."""
