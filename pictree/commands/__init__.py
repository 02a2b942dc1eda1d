"""The commands: argument text alone; each imports its stage when it is called."""
