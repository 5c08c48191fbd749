"""Pictures judged in pairs, blind, and what follows from it: an order of the values of an axis, with intervals."""
