"""Sources: from an ERP's own tables to the books.

Here: typing the cells of an export (`bc_extract`) and turning an ERP's tables into the books (`bc`).
Not here: opening files (`assets.storage`), and the calculation on the books (the steps in `pipelines`).
"""
