"""The zoo's commands: from a run folder to a published checkpoint, and what there is to see of those."""
