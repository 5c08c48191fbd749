"""TAB and Shift+TAB in the text of the magics: what fits at the cursor, and what stands there."""
