"""The rendering: from marts to figures and one page of HTML.

Here: a mart in, a figure or a string out, the words that a reader sees, and the templates.
Not here: sums (every number on a page stands in a mart), the calculation (`pipelines`), writing files
(`assets`).
"""
