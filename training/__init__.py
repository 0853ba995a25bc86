"""Trainings of what ships with the package."""
