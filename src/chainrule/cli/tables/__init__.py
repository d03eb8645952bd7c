"""Tables: read from CSV files as text, then columns of numbers, and what each was taken for.

To be read in this order: reading (a file as a table of texts), values (texts as numbers and
dates), columns (what a column is taken for, and how it is fed to a network), goal (what is to be
predicted).
"""
