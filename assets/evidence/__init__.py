"""The evidence pack of a run: one file from which an auditor can answer for every figure.

Here: its bytes (``layout``), what goes in (``pack``, ``provenance``), who signs (``signature``), checking it
(``check``, ``manifest``, ``inventory``, ``timestamp``), doing the run again (``reperformance``) and the
commands. Not here: what the figures claim of themselves (``pipelines.attest``).
"""
