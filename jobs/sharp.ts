import sharp from "sharp";

// Every image is seen once, so libvips' cache of operations would only hold memory; images run side by side, so
// threads within one would only fight.
sharp.cache(false);
sharp.concurrency(1);

// Only loaders that read pixels out of memory: SVG, PDF and the like fetch other files or run programs of their own.
sharp.block({ operation: ["VipsForeignLoad"] });
sharp.unblock({
  operation: [
    "VipsForeignLoadJpegBuffer",
    "VipsForeignLoadPngBuffer",
    "VipsForeignLoadWebpBuffer",
    "VipsForeignLoadNsgifBuffer",
    "VipsForeignLoadTiffBuffer",
    "VipsForeignLoadHeifBuffer",
  ],
});

/** sharp as imagemill runs it: one thread an image, no cache, only loaders of raster formats, only from memory. */
export default sharp;
