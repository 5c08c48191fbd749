"""Picture files: which format they have, whether they are whole, and how they are decoded."""
