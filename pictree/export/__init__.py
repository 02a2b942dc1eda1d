"""What a run found, in the form that other tools read; the user's files are never moved."""
