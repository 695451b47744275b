"""Scores of a folder of images, or of a bucket, by Spark: every task loads the network once, and streams its images.

spark-submit examples/spark.py --observer observer.json --weights weights.ckpt --source crops/ --output scores/
"""

import argparse
from collections.abc import Iterator

import pandas as pd
from pyspark.sql import DataFrame, SparkSession

from froq_lightning import QualityScorer

SCHEMA = "image string, quality_score double, quality int, status string, reason string"


def score(images: DataFrame, observer: str, weights: str, batch_size: int) -> DataFrame:
    """Score image files, columns `path` and `content`; a bad one is a row with the status "failed" and the reason."""

    def score_partition(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        scorer = QualityScorer.from_observer(observer, weights, batch_size=batch_size)
        for frame in frames:
            scored = scorer(frame["content"].tolist())
            columns = {"image": frame["path"].to_numpy(), "quality_score": scored.quality_score.numpy()}
            rest = {"quality": scored.quality.numpy(), "status": scored.status, "reason": scored.reason}
            yield pd.DataFrame({**columns, **rest})

    images.sparkSession.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", str(batch_size))
    return images.select("path", "content").mapInPandas(score_partition, SCHEMA)


def main() -> None:
    """Score, and write Parquet files."""
    parser = argparse.ArgumentParser(description="Scores of images by Spark.")
    for name in ("--observer", "--weights", "--source", "--output"):
        parser.add_argument(name, required=True)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument(
        "--partitions", type=int, help="ranges of sorted paths, which shuffles all bytes; by default not"
    )
    options = parser.parse_args()
    spark = SparkSession.builder.appName("froq").getOrCreate()
    images = spark.read.format("binaryFile").load(options.source)
    if options.partitions:  # with 1, the batches, and so the last digits, are those of `froq predict`
        images = images.repartitionByRange(options.partitions, "path").sortWithinPartitions("path")
    score(images, options.observer, options.weights, options.batch_size).write.parquet(options.output)


if __name__ == "__main__":
    main()
