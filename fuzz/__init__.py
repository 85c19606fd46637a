"""Fuzzing of everything that reads or writes what others wrote; README.md says how to run it."""
