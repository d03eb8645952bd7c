"""Networks for tables: trained, asked and diagnosed from the command line.

To be read in this order: settings (what the options say), prepare (a table as arrays to train and
to validate with), network (the model, its loss, its optimiser), folder (what is kept of a run),
telling (what is said), commands.
"""
