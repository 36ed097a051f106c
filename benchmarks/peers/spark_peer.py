"""Spark's binaryFile source on local[cores], Pillow with draft mode, JPEG quality 80, one file an image."""

import sys
import time
from pathlib import Path

from peer import finish, images_of, thumbnail


def main() -> None:
    source, output, cores = sys.argv[1], sys.argv[2], int(sys.argv[3])
    from pyspark.sql import SparkSession

    spark = (
        SparkSession.builder.master(f"local[{cores}]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    images = images_of(source)
    Path(output).mkdir(parents=True, exist_ok=True)

    def shrink(rows):
        done = 0
        for row in rows:
            (Path(output) / Path(row.path).name).write_bytes(thumbnail(bytes(row.content)))
            done += 1
        yield done

    started = time.perf_counter()
    files = spark.read.format("binaryFile").option("recursiveFileLookup", "true").option("pathGlobFilter", "*.jpg").load(source)
    files.rdd.mapPartitions(shrink).sum()
    finish(images, started, Path(output))
    spark.stop()


if __name__ == "__main__":
    main()
