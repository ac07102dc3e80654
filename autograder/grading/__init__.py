"""Grading a submission: rebuild it from the release, run it in a sandbox, judge the answers outside, write one result.

Learner code runs only in `runner`, inside the sandbox; what comes out is data. `verifier` compares it in a process of
its own. Nothing of the autograder imports this package except `autograder.commands`.
"""
