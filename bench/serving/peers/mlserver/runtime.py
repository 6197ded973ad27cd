"""MLServer runtimes of our own, with codecs for speed; adaptive batching is in model-settings.json."""

import base64
import io
import os

import numpy as np
import onnxruntime as ort
from mlserver import MLModel
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput
from PIL import Image


def session(name):
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(os.environ[name], options)


def response(name, probabilities):
    output = ResponseOutput(
        name="output", shape=list(probabilities.shape), datatype="FP32", data=probabilities.ravel().tolist()
    )
    return InferenceResponse(model_name=name, outputs=[output])


class Tabular(MLModel):
    async def load(self) -> bool:
        self.session = session("BENCH_TABULAR")
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        given = payload.inputs[0]
        rows = np.array(given.data.root, dtype=np.float32).reshape(given.shape)
        return response(self.name, self.session.run(["output"], {"numbers": rows})[0])


class Images(MLModel):
    async def load(self) -> bool:
        self.session = session("BENCH_IMAGES")
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        files = [Image.open(io.BytesIO(base64.b64decode(text))).convert("L") for text in payload.inputs[0].data.root]
        pixels = np.stack([np.asarray(f, dtype=np.uint8) for f in files]).reshape(-1, 28, 28, 1)
        return response(self.name, self.session.run(["output"], {"image": pixels})[0])
