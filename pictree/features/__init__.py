"""Features of networks that were trained elsewhere: pixels to rows of numbers."""
