"""Search in one's own videos: making an index and searching it, as the commands do."""
