"""The steps of the workspace, one a file: open, align, check, fuse, keep."""
