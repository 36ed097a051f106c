"""What the peers share: the list of images, Pillow's thumbnail, and the line that bench.ts reads."""

import io
import json
import os
import time
from pathlib import Path


def images_of(source: str) -> list[Path]:
    return sorted(Path(source).resolve().rglob("*.jpg"))


def thumbnail(data: bytes) -> bytes:
    """Upright, inside 256 x 256, never enlarged, JPEG quality 80; draft mode shrinks on load as libvips does."""
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(data)) as image:
        image.draft("RGB", (512, 512))
        upright = ImageOps.exif_transpose(image).convert("RGB")
        upright.thumbnail((256, 256), Image.Resampling.LANCZOS)
        out = io.BytesIO()
        upright.save(out, "JPEG", quality=80)
        return out.getvalue()


def finish(images: list[Path], started: float, written: Path) -> None:
    wall_ms = (time.perf_counter() - started) * 1000
    outputs = [path for path in written.rglob("*") if path.suffix in (".jpg", ".jpeg") or (path.is_file() and path.suffix == "")]
    result = {
        "images": len(outputs),
        "bytesIn": sum(os.path.getsize(path) for path in images),
        "bytesOut": sum(path.stat().st_size for path in outputs),
        "wallMs": wall_ms,
    }
    print(json.dumps(result), flush=True)
