"""Marks in the formats of other systems: one module per system, each a function from results to the text of a file.

Cells that learners could have written never become formulas (`autograder.grading.results.spreadsheet_cell`).
"""
