"""Made companies: a little Business Central posts twelve months of business, and plants known faults into
them.

Here: the posting engine, the business, the faults with their truth, the writer. Not here: anything of the
product; nothing below imports it or reads its rule tables. Every posting rule in this folder was written
from BC's documented behaviour.
"""
