"""Measure what the tests would notice: change a line, run the tests, see whether one fails.

Mutants of the contracts, of the prediction engine and of the evidence are drawn by a seed and
tried one by one in a copy of the repository; what was tried is kept, so that the same command goes
on where it was stopped, even by `kill -9`. Only the tests that execute the changed line are run,
in a process forked from one that has imported the libraries already.
"""
