"""Sweeps: pre-trainings by rows or by a grid as a job array, each with its evaluations, and one table of all."""
