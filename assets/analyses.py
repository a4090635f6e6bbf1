"""The further marts: what the tie-out's figures say beyond the verdict.

Here: the order of the steps. Not here: any arithmetic (``pipelines``), and what the verdict rests on
(``tie_outs``).
"""

GROUP = "analysis"
