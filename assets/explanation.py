def explanation(values, kind, key): return []
