"""Picture files: which format bytes are, whether they are whole, and how they are decoded. Knows no service and no
store."""
