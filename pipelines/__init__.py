"""The calculation: from ledger tables to expected postings, differences and tie-outs.

Here: one step a file, frames in, a frame out, and the rule tables (`tables/`) that the steps join.
Not here: files and formats other than those rule tables (`assets`), what tables promise (`schemas`),
drawing (`reports`).
"""
