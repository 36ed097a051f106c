import sharp from "sharp";

// Every image is seen once, so libvips' cache of operations would only hold memory; images run side by side, so
// threads within one would only fight.
sharp.cache(false);
sharp.concurrency(1);

// Only loaders of raster formats: SVG, PDF and the like read other files, or run programs of their own.
sharp.block({ operation: ["VipsForeignLoad"] });
sharp.unblock({
  operation: ["Jpeg", "Png", "Webp", "Nsgif", "Tiff", "Heif"].map((format) => `VipsForeignLoad${format}`),
});

/** sharp as imagemill runs it: one thread an image, no cache, only loaders of raster formats. */
export default sharp;
