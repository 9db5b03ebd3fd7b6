"""A reader at its worst, to be called in a worker process."""

import os


def abort(path):
    os.abort()
