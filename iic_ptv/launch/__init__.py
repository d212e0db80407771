"""Runs as jobs on a cluster, through submitit: submitted, pre-empted, gone on with, watched."""
