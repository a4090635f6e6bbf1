"""What every table promises: columns, types, units, defaults, and the checks that hold them to it.

Here: money, the fields of the ERP's tables (`tables/bc_fields.csv`), the books, the published marts, the rule tables.
Not here: reading files (`assets.storage`), turning text into types (`pipelines.sources`), calculation (`pipelines`).
"""
