"""Sweeps: a grid of pre-trainings as a job array, each with its evaluations, and one table of all."""
