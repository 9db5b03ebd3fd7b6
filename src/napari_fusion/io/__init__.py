"""Files in and out: every file read right, repaired with a record, or refused in one sentence."""
