"""What moves a number of the pictures, axis by axis, with intervals over prompts (docs/statistics.md)."""
