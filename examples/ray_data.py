"""Scores of a folder of images, or of a bucket, by Ray Data: a pool of actors, of which each holds the network.

python examples/ray_data.py --observer observer.json --weights weights.ckpt --source crops/ --output scores/
"""

import argparse
from typing import Any

import ray

from froq_lightning import QualityScorer


class Score:
    """An actor that scores batches of image files; the arguments are those of `QualityScorer.from_observer`."""

    def __init__(self, observer: str, weights: str, batch_size: int) -> None:
        self.scorer = QualityScorer.from_observer(observer, weights, batch_size=batch_size)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Return a row for every image; a bad one has the status "failed" and the reason."""
        scored = self.scorer(batch["bytes"])
        columns = {"image": batch["path"], "quality_score": scored.quality_score.numpy()}
        notes = {"status": list(scored.status), "reason": list(scored.reason)}
        return {**columns, "quality": scored.quality.numpy(), **notes}


def main() -> None:
    """Score, and write Parquet files."""
    parser = argparse.ArgumentParser(description="Scores of images by Ray Data.")
    for name in ("--observer", "--weights", "--source", "--output"):
        parser.add_argument(name, required=True)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--actors", type=int, default=1, help="most networks at work; fewer than the cluster has CPUs")
    options = parser.parse_args()
    made = {"observer": options.observer, "weights": options.weights, "batch_size": options.batch_size}
    # Blocks of one batch each, in order: the batches, and so the last digits, are those of `froq predict`.
    ray.data.DataContext.get_current().execution_options.preserve_order = True
    images = ray.data.read_binary_files(options.source, include_paths=True)
    batches = images.repartition(target_num_rows_per_block=options.batch_size, strict=True)
    pool = ray.data.ActorPoolStrategy(min_size=1, max_size=options.actors)
    scores = batches.map_batches(Score, fn_constructor_kwargs=made, batch_size=options.batch_size, compute=pool)
    scores.write_parquet(options.output)


if __name__ == "__main__":
    main()
