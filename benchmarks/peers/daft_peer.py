"""Daft's own expressions: glob, download, decode, resize, encode, upload. It stretches to the square and has no quality."""

import sys
import time
from pathlib import Path

from peer import finish, images_of


def main() -> None:
    source, output, _cores = sys.argv[1], sys.argv[2], int(sys.argv[3])
    import daft
    from daft import col
    from daft.functions import decode_image, download, encode_image, resize, upload

    images = images_of(source)
    Path(output).mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    frame = daft.from_pydict({"path": [str(path) for path in images]})
    small = encode_image(resize(decode_image(download(col("path"))), 256, 256), "JPEG")
    # A bare count would not need the pixels, and the optimiser knows.
    frame.select(upload(small, str(output)).alias("written")).collect()
    finish(images, started, Path(output))


if __name__ == "__main__":
    main()
