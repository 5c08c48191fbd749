"""Pictures and words from records: what a run looks like, and nothing of how it is made."""
