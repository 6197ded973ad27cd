"""LitServe, batching on as its documentation advises for throughput: `max_batch_size` 64, no wait; one worker."""

import io
import os
import sys

import litserve as ls
import numpy as np
import onnxruntime as ort
from PIL import Image


def session(name):
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(os.environ[name], options)


class Tabular(ls.LitAPI):
    def setup(self, device):
        self.session = session("BENCH_TABULAR")

    def decode_request(self, request):
        return [request[f"feature_{i}"] for i in range(12)]

    def batch(self, inputs):
        return np.array(inputs, dtype=np.float32)

    def predict(self, rows):
        return self.session.run(["output"], {"numbers": rows})[0]

    def unbatch(self, output):
        return list(output)

    def encode_response(self, output):
        no, yes = output.tolist()
        return {"prediction": "yes" if yes >= 0.5 else "no", "probabilities": {"no": no, "yes": yes}}


class Images(ls.LitAPI):
    def setup(self, device):
        self.session = session("BENCH_IMAGES")

    def decode_request(self, request):
        return np.asarray(Image.open(io.BytesIO(request["file"].file.read())).convert("L"), dtype=np.uint8)

    def batch(self, inputs):
        return np.stack(inputs).reshape(-1, 28, 28, 1)

    def predict(self, rows):
        return self.session.run(["output"], {"image": rows})[0]

    def unbatch(self, output):
        return list(output)

    def encode_response(self, output):
        return {"prediction": int(output.argmax()), "probabilities": output.tolist()}


if __name__ == "__main__":
    apis = [
        Tabular(max_batch_size=64, batch_timeout=0.0, api_path="/predict"),
        Images(max_batch_size=32, batch_timeout=0.0, api_path="/image"),
    ]
    server = ls.LitServer(
        apis, accelerator="cpu", workers_per_device=1, fast_queue=True, healthcheck_path="/health/ready"
    )
    server.run(
        port=int(sys.argv[1]), host="127.0.0.1", num_api_servers=1, log_level="warning", generate_client_file=False
    )
