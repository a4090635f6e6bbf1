"""The sheets of the workpapers: what a controller prepares and an auditor reviews, as a workbook.

Here: which figure of the marts stands on which sheet, and the formula that recomputes it there. Not here: the
order of the sheets (``reports.workbook``), words for codes (``reports.wording``).
"""
