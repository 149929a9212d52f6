"""Trainings with a fault that was planted, and healthy ones, to score the diagnoses by."""
