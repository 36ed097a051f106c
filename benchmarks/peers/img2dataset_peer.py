"""img2dataset over file:// URLs: decode and resize with OpenCV, JPEG quality 80, one file an image."""

import multiprocessing
import sys
import time
from pathlib import Path

from peer import finish, images_of


def main() -> None:
    source, output, cores = sys.argv[1], sys.argv[2], int(sys.argv[3])
    from img2dataset import download

    images = images_of(source)
    Path(output).mkdir(parents=True, exist_ok=True)
    urls = Path(output) / "urls.txt"
    urls.write_text("".join(path.as_uri() + "\n" for path in images))
    started = time.perf_counter()
    download(
        url_list=str(urls),
        output_folder=str(Path(output) / "out"),
        output_format="files",
        image_size=256,
        resize_mode="keep_ratio_largest",
        resize_only_if_bigger=True,
        encode_format="jpg",
        encode_quality=80,
        processes_count=cores,
        thread_count=16,
        number_sample_per_shard=max(1, len(images) // (cores * 4)),
        enable_wandb=False,
    )
    finish(images, started, Path(output) / "out")


if __name__ == "__main__":
    multiprocessing.freeze_support()
    main()
