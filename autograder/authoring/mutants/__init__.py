"""Grades the graders: makes mutants of every reference solution, judges them as answers, and tells which survive.

A mutant that passes the sample and every hidden variant, and does not give the same answer as the solution on all possible
data, shows a mistake that a learner could make without losing a point.
"""
