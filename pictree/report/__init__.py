"""Pictures and the report; reads a run folder, never trains."""
