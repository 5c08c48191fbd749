"""What the magics are made of: their text, and how their cells wait."""
