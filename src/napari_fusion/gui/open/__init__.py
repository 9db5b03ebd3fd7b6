"""From files and folders to two chosen series."""
