"""What runs, when, and what stops it: Dagster assets and checks, files, the command line, the demo companies.

Here: load, one call, return.
Not here: arithmetic (`pipelines`), what tables promise (`schemas`), drawing (`reports`).
"""
