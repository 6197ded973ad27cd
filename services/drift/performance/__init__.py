"""How well a model does: measured where labels have come, estimated where they have not.

`outcomes` reads records, `classification` and `regression` are the metrics, `bootstrap` their intervals, `cbpe` and
`dle` the estimates, `familiarity` says when those must not be believed, `appraisal` puts an answer together, `watch`
asks for it all the time. `docs/model-performance.md` says how good all this is, measured.
"""
