"""The evidence pack of a run: one file from which an auditor can answer for every figure.

Here: its bytes (``layout``), what goes in (``pack``, ``provenance``), who signs (``signature``), the time stamp
(``timestamp``), checking it (``check``, ``inventory``), doing the run again (``reperformance``). Not here:
what the figures claim of themselves (``pipelines.attest``).
"""
