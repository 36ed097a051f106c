-- What does a dashboard show of each image: outcome, what it is, where its time went, one place to look at it?
-- One row per image of a loaded run, flat: no records, nothing repeated. `camera` is make and model, the make said once;
-- `message` is cut at 300 characters; `output_uri` is the first output that a job made. `sample_key` is eight hex digits
-- that depend on the name alone: `sample_key < '40000000'` is a quarter of the names, the same in every run.
SELECT
  images.run_id,
  images.run_date,
  runs.started_at AS run_started_at,
  runs.engine,
  images.bucket,
  images.name,
  images.generation,
  images.outcome,
  images.reason,
  SUBSTR(images.message, 1, 300) AS message,
  images.format,
  images.color_space,
  CASE
    WHEN images.camera_make IS NULL OR STARTS_WITH(LOWER(images.camera_model), LOWER(images.camera_make)) THEN images.camera_model
    WHEN images.camera_model IS NULL THEN images.camera_make
    ELSE CONCAT(images.camera_make, ' ', images.camera_model)
  END AS camera,
  images.taken_at,
  images.width,
  images.height,
  images.megapixels,
  images.size_bytes,
  images.processed_at,
  images.timings.read_ms AS read_ms,
  images.timings.queue_ms AS queue_ms,
  images.timings.process_ms AS process_ms,
  images.timings.write_ms AS write_ms,
  COALESCE({{element_sum images.outputs size_bytes}}, 0) AS output_bytes,
  {{element_first images.outputs uri element.job <> 'source'}} AS output_uri,
  SUBSTR({{md5 images.name}}, 1, 8) AS sample_key
FROM {{images}} AS images
JOIN {{runs}} AS runs ON runs.run_id = images.run_id
