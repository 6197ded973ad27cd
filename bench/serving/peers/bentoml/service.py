"""BentoML with adaptive batching, as its documentation advises for throughput; one worker."""

import os

import bentoml
import numpy as np
import onnxruntime as ort
from PIL.Image import Image


def session(name):
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(os.environ[name], options)


@bentoml.service(workers=1, traffic={"timeout": 30, "max_concurrency": 4096}, logging={"access": {"enabled": False}})
class Bench:
    def __init__(self):
        self.tabular, self.images = session("BENCH_TABULAR"), session("BENCH_IMAGES")

    @bentoml.api(batchable=True, max_batch_size=64, max_latency_ms=1000)
    def predict(self, rows: np.ndarray) -> np.ndarray:
        return self.tabular.run(["output"], {"numbers": rows.astype(np.float32)})[0]

    @bentoml.api
    def image(self, file: Image) -> list:
        pixels = np.asarray(file.convert("L"), dtype=np.uint8).reshape(1, 28, 28, 1)
        return self.images.run(["output"], {"image": pixels})[0][0].tolist()
