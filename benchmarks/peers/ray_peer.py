"""Ray Data: binary files in, Pillow with draft mode, JPEG quality 80, one file an image."""

import sys
import time
from pathlib import Path

from peer import finish, images_of, thumbnail


def main() -> None:
    source, output, cores = sys.argv[1], sys.argv[2], int(sys.argv[3])
    import ray

    ray.init(num_cpus=cores, include_dashboard=False, log_to_driver=False, logging_level="error")
    ray.data.DataContext.get_current().enable_progress_bars = False
    images = images_of(source)
    Path(output).mkdir(parents=True, exist_ok=True)

    def shrink(row):
        target = Path(output) / Path(row["path"]).name
        target.write_bytes(thumbnail(row["bytes"]))
        return {"written": 1}

    started = time.perf_counter()
    ray.data.read_binary_files([str(path) for path in images], include_paths=True).map(shrink).sum("written")
    finish(images, started, Path(output))


if __name__ == "__main__":
    main()
