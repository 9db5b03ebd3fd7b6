"""Sessions: what is open, how it was made and how it is looked at, in one file."""
