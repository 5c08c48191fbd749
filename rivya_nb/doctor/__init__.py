"""`rivya-nb doctor`: looks at what a notebook needs, and says in lines what is wrong and how to mend it."""
