"""A service that scores photographs: send one as the body of a request, and get its quality, verdict and embedding.

    uvicorn --app-dir examples/service app:app
    curl --data-binary @photo.jpg http://localhost:8000/score

One face is scored, the largest; `remark` says how many there are. Photographs that arrive together share a pass.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel
from starlette.requests import ClientDisconnect

from froq_lightning import QualityScorer

MIN_QUALITY = int(os.environ.get("MIN_QUALITY", "20"))  # the lowest that passes, 0..100
MAX_BYTES = int(os.environ.get("MAX_BYTES", "10_000_000"))  # of a photograph
MAX_WAITING = int(os.environ.get("MAX_WAITING", "256"))  # requests without an answer; each may hold MAX_BYTES
TIMEOUT = float(os.environ.get("TIMEOUT", "30"))  # seconds from request to answer
BATCH_SIZE = int(os.environ.get("BATCH_SIZE", "16"))
BATCH_WAIT = float(os.environ.get("BATCH_WAIT", "0.01"))  # seconds for which a batch waits for more photographs


class Score(BaseModel):
    """Quality of the largest face of a photograph: 0..100, and raw; why it did not pass; what was done to it."""

    quality: int
    quality_score: float
    passed: bool
    reason: str
    remark: str
    embedding: list[float]


class Batcher:
    """Collects photographs, and scores many in one call, in another thread."""

    def __init__(self, scorer: QualityScorer) -> None:
        self.scorer = scorer
        self.queue: asyncio.Queue[tuple[bytes, asyncio.Future[Score]]] = asyncio.Queue()
        self.waiting = 0

    async def run(self) -> None:
        """Score batch after batch."""
        while True:
            jobs = [await self.queue.get()]
            if self.queue.qsize() < BATCH_SIZE - 1:
                await asyncio.sleep(BATCH_WAIT)
            jobs += [self.queue.get_nowait() for _ in range(min(self.queue.qsize(), BATCH_SIZE - 1))]
            jobs = [job for job in jobs if not job[1].done()]  # without those that timed out
            results: Sequence[Score | Exception]
            try:
                results = await asyncio.to_thread(self.score, [photograph for photograph, _ in jobs])
            except Exception as error:
                results = [error] * len(jobs)
            for (_, future), result in zip(jobs, results, strict=True):
                if not future.done():
                    future.set_exception(result) if isinstance(result, Exception) else future.set_result(result)

    def score(self, photographs: list[bytes]) -> list[Score | Exception]:
        """Score photographs; those that are bad become an exception for the answer."""
        table = self.scorer(photographs, embeddings=True)
        results: list[Score | Exception] = []
        for index, (row, verdict) in enumerate(zip(table, self.scorer.gate(MIN_QUALITY).judge(table), strict=True)):
            if row.quality_score is None or table.embeddings is None:
                results.append(HTTPException(422, row.reason))
                continue
            score = {"quality": row.quality, "quality_score": row.quality_score, "remark": row.reason}
            score |= {"passed": verdict.passed, "reason": verdict.reason, "embedding": table.embeddings[index].tolist()}
            results.append(Score.model_validate(score))
        return results


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Load the network. uvicorn comes back here, to end, when every request has its answer."""
    batcher = Batcher(QualityScorer.from_pretrained("dlib_resnet29", aligner="dlib", batch_size=BATCH_SIZE))
    app.state.batcher = batcher
    task = asyncio.create_task(batcher.run())
    yield
    task.cancel()


app = FastAPI(title="Face-image quality", lifespan=lifespan)


@app.get("/health")
async def health(request: Request) -> dict[str, str | int]:
    """Tell that the service is up, and how many requests wait for their answer."""
    return {"status": "ok", "waiting": request.app.state.batcher.waiting}


@app.post("/score", openapi_extra={"requestBody": {"content": {"image/*": {"schema": {"format": "binary"}}}}})
async def score(request: Request) -> Score:
    """Score a photograph. 413: too long; 422: no score, `detail` says why; 503: busy; 504: took too long."""
    batcher: Batcher = request.app.state.batcher
    if batcher.waiting >= MAX_WAITING:
        raise HTTPException(503, f"{MAX_WAITING} requests are waiting; try again later", {"Retry-After": "1"})
    batcher.waiting += 1
    try:
        async with asyncio.timeout(TIMEOUT):
            photograph = await read_body(request)
            future: asyncio.Future[Score] = asyncio.get_running_loop().create_future()
            batcher.queue.put_nowait((photograph, future))
            return await future
    except TimeoutError:
        raise HTTPException(504, f"no score within {TIMEOUT:g} seconds") from None
    except ClientDisconnect:
        raise HTTPException(400, "the photograph is incomplete") from None
    finally:
        batcher.waiting -= 1


async def read_body(request: Request) -> bytes:
    """Read the photograph, but no further than MAX_BYTES."""
    body, length = bytearray(), int(request.headers.get("content-length", 0))
    if length <= MAX_BYTES:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BYTES:
                break
    if max(length, len(body)) > MAX_BYTES:
        raise HTTPException(413, f"expected a photograph of {MAX_BYTES} bytes at most")
    return bytes(body)
