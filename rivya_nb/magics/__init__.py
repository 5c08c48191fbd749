"""What the magics are made of: how they act, and how their cells wait."""
