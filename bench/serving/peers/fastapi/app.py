"""FastAPI with ONNX Runtime as its tutorials have it: a pydantic model in, a dict out. BENCH_LOG: csv or sqlite, a row
for each prediction. `async def`, because a thread for each request was slower."""

import csv
import io
import os
import sqlite3
from pathlib import Path

import numpy as np
import onnxruntime as ort
from fastapi import FastAPI, UploadFile
from PIL import Image
from pydantic import create_model

OPTIONS = ort.SessionOptions()
OPTIONS.intra_op_num_threads = OPTIONS.inter_op_num_threads = 1
TABULAR = ort.InferenceSession(os.environ["BENCH_TABULAR"], OPTIONS)
IMAGES = ort.InferenceSession(os.environ["BENCH_IMAGES"], OPTIONS)
LOG = os.environ.get("BENCH_LOG")
FOLDER = Path(os.environ["BENCH_FOLDER"])
Features = create_model("Features", **{f"feature_{i}": (float, ...) for i in range(12)})
app = FastAPI()

if LOG == "csv":
    file = (FOLDER / "predictions.csv").open("a", newline="")
    writer = csv.writer(file)
elif LOG == "sqlite":
    database = sqlite3.connect(FOLDER / "predictions.sqlite")
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")
    columns = ", ".join(f"feature_{i} REAL" for i in range(12))
    database.execute(f"CREATE TABLE IF NOT EXISTS predictions ({columns}, yes REAL)")


def log(row: list[float]) -> None:
    if LOG == "csv":
        writer.writerow(row)
        file.flush()
    elif LOG == "sqlite":
        database.execute(f"INSERT INTO predictions VALUES ({', '.join('?' * len(row))})", row)
        database.commit()


@app.get("/health/ready")
async def ready():
    return {"status": "ready"}


@app.post("/predict")
async def predict(features: Features):
    values = list(features.model_dump().values())
    (probabilities,) = TABULAR.run(["output"], {"numbers": np.array([values], dtype=np.float32)})
    no, yes = probabilities[0].tolist()
    log([*values, yes])
    return {"prediction": "yes" if yes >= 0.5 else "no", "probabilities": {"no": no, "yes": yes}}


@app.post("/image")
async def image(file: UploadFile):
    pixels = np.asarray(Image.open(io.BytesIO(await file.read())).convert("L"), dtype=np.uint8)
    (probabilities,) = IMAGES.run(["output"], {"image": pixels.reshape(1, 28, 28, 1)})
    return {"prediction": int(probabilities[0].argmax()), "probabilities": probabilities[0].tolist()}
