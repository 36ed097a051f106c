-- How fast did a run go, minute by minute, and where did an image's time go?
-- One row per run and minute in which an outcome became known. The first and the last minute of a run are seldom full.
SELECT
  images.run_id,
  images.run_date,
  runs.engine,
  {{minute images.processed_at}} AS minute,
  COUNT(*) AS objects,
  COUNT(*) / 60 AS objects_per_second,
  SUM(images.size_bytes) / 60 AS bytes_in_per_second,
  AVG(images.timings.read_ms) AS mean_read_ms,
  AVG(images.timings.queue_ms) AS mean_queue_ms,
  AVG(images.timings.process_ms) AS mean_process_ms,
  AVG(images.timings.write_ms) AS mean_write_ms,
  {{percentile images.timings.process_ms 95}} AS p95_process_ms
FROM {{images}} AS images
JOIN {{runs}} AS runs ON runs.run_id = images.run_id
GROUP BY images.run_id, images.run_date, runs.engine, minute
