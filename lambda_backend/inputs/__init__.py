"""What a piece of work depends on: files, names in folders, variables, installed distributions.

Seen while it is done, and held against what is there the next time.
"""
