-- What does an image cost: milliseconds and bytes by format and size, and how fast was the run that says so?
-- One row per run, format and class of megapixels, of images that are ok. A planner weighs rows by `images`.
WITH classed AS (
  SELECT
    images.*,
    CASE
      WHEN megapixels IS NULL THEN NULL
      WHEN megapixels < 0.5 THEN 0
      WHEN megapixels < 2 THEN 0.5
      WHEN megapixels < 8 THEN 2
      WHEN megapixels < 24 THEN 8
      WHEN megapixels < 100 THEN 24
      ELSE 100
    END AS megapixels_from
  FROM {{images}} AS images
  WHERE outcome = 'ok'
)
SELECT
  classed.run_id,
  classed.run_date,
  runs.engine,
  classed.jobs,
  classed.format,
  classed.megapixels_from,
  COUNT(*) AS images,
  AVG(classed.megapixels) AS mean_megapixels,
  AVG(classed.timings.read_ms) AS mean_read_ms,
  AVG(classed.timings.process_ms) AS mean_process_ms,
  {{percentile classed.timings.process_ms 95}} AS p95_process_ms,
  AVG(classed.timings.write_ms) AS mean_write_ms,
  AVG(classed.size_bytes) AS mean_bytes_in,
  AVG(COALESCE({{element_sum classed.outputs size_bytes}}, 0)) AS mean_bytes_out,
  MAX(runs.images_per_second) AS run_images_per_second,
  MAX(runs.wall_ms) AS run_wall_ms,
  MAX(runs.objects) AS run_objects
FROM classed
JOIN {{runs}} AS runs ON runs.run_id = classed.run_id
GROUP BY classed.run_id, classed.run_date, runs.engine, classed.jobs, classed.format, classed.megapixels_from
