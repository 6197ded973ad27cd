"""How well a model does: measured where labels have come, estimated where they have not.

`sample` reads records. `regression` and `classification` are the tasks: how outcomes are read and measured.
`intervals` are of every metric, `cbpe` and `dle` the estimates. `assumption` says when an estimate must not be
believed. `answer` puts an answer together, `monitor` asks for it all the time. `docs/model-performance.md` says how
good all this is, measured.
"""
