"""The language of the magics' lines, as text: nothing here is bound to a session or a notebook."""
