"""What every table promises: columns, types, units, defaults, and the checks that hold them to it.

Here: money, the fields of the ERP's tables (`tables/bc_fields.csv`), the books, the published marts, the
shape of the rule tables. Not here: files (`assets`), turning text into types and calculating (`pipelines`).
"""
