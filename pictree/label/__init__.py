"""Naming: groups of pictures, what a person said about them, and the page to say it on."""
